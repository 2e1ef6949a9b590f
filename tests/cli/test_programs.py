"""A program can be named wherever something is searched; what it lacks is told before that."""

from __future__ import annotations

import json

import pytest

from mnemon import Memory

STALE = "reindex --embedder minilm"


@pytest.fixture
def channels(run, parsed):
    """The channels that a search gives as reasons, by what else is typed."""

    def call(*args: str, before: tuple[str, ...] = ()) -> set[str]:
        found = parsed(
            run(*before, "search", "moved to Lisbon", "-k", "1", "--json", "--explain", *args)
        )
        return {one["channel"] for one in found[0]["why"]}

    return call


def test_it_is_named_before_or_after_a_command_or_in_the_environment(channels, ids, monkeypatch):
    assert "listnet" in channels()
    assert "listnet" not in channels("--program", "fused")
    assert channels(before=("--program", "hema")) == {"dual"}
    monkeypatch.setenv("MNEMON_PROGRAM", "hema")
    assert channels() == {"dual"}
    assert "listnet" in channels("--program", "default")


def test_upkeep_is_that_of_the_program(run, store, parsed):
    turns = ["We moved to Lisbon.", "How is the kitchen?", "There is a lemon tree in it."]
    with Memory(store) as memory:
        for namespace in ("default", "acme"):
            said = [{"role": "Ana", "content": one} for one in turns]
            memory.add(said, session="s", namespace=namespace)
        memory.jobs.start(0)
        memory.jobs.reflect(namespace="acme")
    assert parsed(run("reflect", "--json")) == {"count": 0}
    assert run("reflect", "--program", "memgas").stdout == "2 proposals carried out\n"
    assert "reflect done  2" in run("jobs", "run", "--program", "memgas").stdout
    for namespace in ("default", "acme"):
        kinds = {one["kind"] for one in parsed(run("ls", "--json", "-n", namespace))}
        assert {"episode", "summary"} <= kinds


SEARCHING = {
    "search": ("search", "x"),
    "recall": ("recall", "x"),
    "reflect": ("reflect",),
    "chat": ("chat", "--model", "nano", "--once", "x"),
    "jobs": ("jobs", "run"),
    "demo": ("demo", "--ask", "x"),
    "serve": ("serve", "--port", "0"),
    "mcp": ("mcp",),
    "install": ("install", "codex", "--print"),
    "compile": ("compile", "--query", "x", "--model", "nano"),
}


@pytest.mark.parametrize("command", SEARCHING)
def test_one_that_nobody_knows_is_told_with_its_neighbours(run, ids, command):
    done = run(*SEARCHING[command], "--program", "memgass", expect=2)
    assert "'memgass': did you mean 'memgas'" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("command", ["search", "recall", "chat", "demo", "serve", "compile"])
def test_what_it_lacks_is_told_before_anything_is_asked(run, ids, command):
    """Also by `recall`, which would have found room for everything and searched nothing."""
    done = run("--program", "cross-encoded", *SEARCHING[command], expect=2)
    assert STALE in done.stderr and "serving" not in done.stderr


def test_commands_that_search_nothing_need_none_of_it(run, ids, parsed, monkeypatch):
    monkeypatch.setenv("MNEMON_PROGRAM", "cross-encoded")
    run("add", "Another one.")
    assert len(parsed(run("ls", "--json"))) == 4


def test_a_client_is_given_the_program_too(run):
    shown = json.loads(run("install", "cursor", "--print", "--program", "fused").stdout)
    assert shown["mcpServers"]["mnemon"]["args"][-2:] == ["--program", "fused"]
    assert "--program" not in run("install", "cursor", "--print").stdout
