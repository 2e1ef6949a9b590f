"""`mnemon top`: on a store, on a server, at a terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from mnemon import Memory
from mnemon.cli.app import mnemon
from mnemon.cli.watching.frame import Watch
from mnemon.server.keys import beside

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def memory(store):
    """Cubes in two namespaces, and an artifact that is stale."""
    with Memory(store, namespace="acme/ana") as memory:
        made = memory.add(["one", "two", "three"])
        memory.add("elsewhere", namespace="bob")
        memory.artifacts.derive("summary", made, b"12345", method="by hand")
        memory.update(made[0].id, "uno")
        yield memory


def test_a_frame_as_json(run, parsed, memory):
    told = parsed(run("top", "--json"))
    assert told["cubes"] == 4 and told["sizes"]["versions"] == 5 and told["untold"] == []
    assert told["namespaces"] == [["acme/ana", 3], ["bob", 1]]
    assert told["forms"] == [{"form": "summary", "count": 1, "stale": 1, "bytes": 5}]
    assert told["stale"] == [memory.artifacts.list()[0].key]
    assert [event["verb"] for event in told["events"]] == ["update", "derive", "add", "add"]
    assert told["rates"] == {"added": 4 / 60, "changed": 1 / 60, "forgotten": 0.0, "reads": None}


def test_once_prints_a_frame_for_people(run, memory, store):
    told = run("top", "--once").stdout
    assert str(store)[:20] in told and "acme/ana" in told and "bob" in told
    for line in ("text 4", "summary 1 1 5 B", "whole store 4", "added 0.1"):
        assert line in " ".join(told.split()), told
    assert "\x1b" not in told
    assert run("top").stdout.splitlines()[1:] == told.splitlines()[1:]  # no terminal here


def test_a_namespace_is_watched_alone(run, parsed, memory):
    told = parsed(run("top", "--json", "-n", "bob"))
    assert told["namespaces"] == [["bob", 1]] and told["cubes"] == 1 and told["stale"] == []
    assert [event["namespace"] for event in told["events"]] == ["bob"]


def test_a_store_that_is_not_there_is_told(run):
    assert "there is no store" in run("top", "--once", expect=1).output


def test_text_of_others_does_not_steer_the_terminal(run, memory):
    memory.acting("eve\x1b[2J").add("x")
    assert "\x1b" not in run("top", "--once").stdout


def test_frames_follow_what_happens(memory):
    watch = Watch(memory, None)
    assert watch.frame().rates.reads is None
    assert memory.search("two")
    memory._searcher.flush()
    memory.forget(memory.list()[0].id)
    frame = watch.frame()
    assert frame.events[0].verb == "forget" and frame.rates.forgotten == 1 / 60
    assert frame.rates.reads is not None and frame.rates.reads > 0
    assert frame.cubes == 3 and frame.stale == ()  # forgetting deleted what was made of it


def test_many_namespaces_are_watched_in_part_and_that_is_told(memory):
    for n in range(25):
        memory.add("x", namespace=f"tenant{n}")
    (untold,) = Watch(memory, None).frame().untold
    assert "7 smaller namespaces" in untold


def test_a_server_is_watched_as_far_as_the_key_reaches(memory, store, served, parsed, monkeypatch):
    token, _ = beside(store).add("ana", ["acme/ana"])
    owner, _ = beside(store).add("owner", None)
    with served(store) as url:
        ask = ["--store", url, "top", "--json", "--api-key"]
        told = parsed(CliRunner().invoke(mnemon, [*ask, token]))
        assert told["namespaces"] == [["acme/ana", 3]] and told["sizes"] == {}
        assert {event["namespace"] for event in told["events"]} == {"acme/ana"}
        assert [one.partition(":")[0] for one in told["untold"]] == [
            "artifacts", "sizes and reads",
        ]  # fmt: skip
        monkeypatch.setenv("MNEMON_API_KEY", owner)
        told = parsed(CliRunner().invoke(mnemon, ask[:-1]))
        assert told["sizes"]["cubes"] == 4 and len(told["events"]) == 4
        monkeypatch.setenv("MNEMON_API_KEY", "wrong")
        done = CliRunner().invoke(mnemon, ask[:-1])
        assert done.exit_code == 1 and "unknown, expired or revoked" in done.output


def test_at_a_terminal_it_is_live_until_it_is_interrupted(memory, store):
    main, other = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "mnemon", "--store", str(store), "top", "--every", "0.2"],
        stdout=other, stderr=other, stdin=other, start_new_session=True,
        env=os.environ
        | {"PYTHONPATH": str(SOURCE), "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
    )  # fmt: skip
    os.close(other)
    _read_until(main, b"acme/ana")
    made = memory.add("a late one")
    _read_until(main, made.id[-8:].encode())
    child.send_signal(signal.SIGINT)
    drain = threading.Thread(target=_drain, args=(main,), daemon=True)
    drain.start()
    assert child.wait(20) == 0
    drain.join(20)
    os.close(main)


def _read_until(handle, wanted):
    seen = b""
    while wanted not in seen:
        seen += os.read(handle, 4096)


def _drain(handle):
    try:
        while os.read(handle, 4096):
            pass
    except OSError:
        return  # the other end is closed
