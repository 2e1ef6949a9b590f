"""What a server writes into its audit log: calls and refusals, never content."""

from __future__ import annotations

import json
import time

import httpx2
import pytest
from click.testing import CliRunner

from mnemon import Memory
from mnemon.cli.app import mnemon
from mnemon.errors import AccessDenied, NotFound
from mnemon.identity import new_id
from mnemon.server.audit.file import beside as audited
from mnemon.server.audit.verifying import verify
from mnemon.server.keys import beside


def told(path):
    return [entry for _, entry in audited(path).entries()]


def shape(path):
    return [(entry.who, entry.verb, entry.outcome, entry.cubes) for entry in told(path)]


def test_what_changes_is_in_it_with_who_and_which(serve, path):
    token, key = beside(path).add("ana", ["acme/ana"])
    with Memory(serve(), api_key=token, namespace="acme/ana") as memory:
        one, two = memory.add(["the secret zebra", "a second zebra"], speaker="Zoe")
        memory.search("zebra")
        memory.update(one.id, "another zebra")
        memory.link(one.id, "about", two.id)
        memory.forget(speaker="Zoe", purge=True)
    assert shape(path) == [
        (key.id, "add", "done", 2), (key.id, "update", "done", 1), (key.id, "link", "done", 2),
        (key.id, "forget", "done", 2),
    ]  # fmt: skip
    add, update, _, forget = told(path)
    assert add.ids == forget.ids == (one.id, two.id) and update.ids == (one.id,)
    assert {entry.namespace for entry in told(path)} == {"acme/ana"}
    assert forget.detail == {"purged": True} and forget.receipt
    written = audited(path).path.read_text()
    assert "zebra" not in written and "Zoe" not in written
    assert verify(audited(path)).problems == []


def test_what_is_denied_or_fails_is_in_it(serve, path):
    token, key = beside(path).add("ana", ["acme/ana"], ["write"])
    url = serve()
    with Memory(url, api_key=token, namespace="acme/ana") as memory:
        for call in (memory.list, lambda: memory.add("x", namespace="acme/ben")):
            with pytest.raises(AccessDenied):
                call()
        with pytest.raises(NotFound):
            memory.update(new_id(), "x")
    httpx2.get(f"{url}/v1/list", headers={"Authorization": "Bearer the-secret-zebra"})
    httpx2.post(f"{url}/v1/update/the-secret-zebra", headers={"Authorization": f"Bearer {token}"},
                json={"content": "zebra", "namespace": "acme/ana"})  # fmt: skip
    assert shape(path) == [
        (key.id, "list", "denied", 0), (key.id, "add", "denied", 0),
        (key.id, "update", "failed", 1), ("nobody", "list", "denied", 0),
        (key.id, "update", "failed", 1),
    ]  # fmt: skip
    assert [entry.namespace for entry in told(path)][:2] == ["acme/ana", "acme/ben"]
    assert "zebra" not in audited(path).path.read_text()


def test_reads_are_in_it_if_asked(serve, path):
    with Memory(serve(audit="reads")) as memory:
        cube = memory.add("a zebra")
        memory.search("zebra")
        memory.get(cube.id)
        memory.count()
    assert [(entry.verb, entry.ids) for entry in told(path)] == [
        ("add", (cube.id,)), ("search", (cube.id,)), ("get", (cube.id,)), ("count", ()),
    ]  # fmt: skip
    assert {entry.who for entry in told(path)} == {"local"}


def test_nothing_is_written_when_it_is_off(serve, path):
    with Memory(serve(audit="off")) as memory:
        memory.add("x")
    assert audited(path).files() == []


def test_a_flood_of_refusals_does_not_fill_the_disk(serve, path):
    beside(path).add("ana", None)
    with httpx2.Client(base_url=serve()) as client:
        for _ in range(60):
            assert client.get("/v1/list").status_code == 401
    assert 10 <= len(told(path)) < 60


def test_what_cannot_be_audited_is_not_acknowledged(serve, path, problem):
    audited(path).path.mkdir(parents=True)
    answer = httpx2.post(f"{serve()}/v1/add", json={"content": "x"})
    assert "audit log" in problem(answer, 500, "urn:mnemon:store-error")["detail"]


def test_an_answer_the_log_and_the_entry_share_an_id(serve, path, caplog):
    url = serve()
    caplog.set_level("INFO", "mnemon.server")
    mine = httpx2.post(f"{url}/v1/add", json={"content": "x"}, headers={"X-Request-Id": "abc-1"})
    assert mine.headers["x-request-id"] == "abc-1" == told(path)[0].request
    end = time.monotonic() + 10  # the line is written when the answer is on its way
    while not caplog.records and time.monotonic() < end:
        time.sleep(0.01)
    assert json.loads(caplog.records[-1].message)["request"] == "abc-1"
    odd = httpx2.get(f"{url}/v1/nothing", headers={"X-Request-Id": "the secret zebra"})
    assert odd.status_code == 404 and len(odd.headers["x-request-id"]) == 32


def test_the_command_shows_and_verifies(serve, path, tmp_path):
    def run(*args, expect=0):
        done = CliRunner().invoke(mnemon, ["--store", str(path), *args])
        assert done.exit_code == expect, done.output
        return done.stdout

    run("audit", "verify", expect=1)  # there is none yet
    url = serve()
    with Memory(url) as memory:
        cube = memory.add("x")
    answer = httpx2.post(f"{url}/v1/forget", json={"ids": cube.id, "purge": True})
    receipt = tmp_path / "receipt.json"
    receipt.write_text(answer.text)
    run("key", "add", "ana", "--everywhere", "--role", "reader")
    shown = json.loads(run("audit", "show", "--json"))
    assert [one["verb"] for one in shown] == ["add", "forget", "key-add"]
    assert "forget" in run("audit", "show", "--cube", cube.id, "--verb", "forget")
    *_, anchor = run("audit", "verify", "--receipt", str(receipt)).splitlines()
    run("audit", "verify", "--anchor", anchor)
    receipt.write_text(answer.text.replace('"cubes":1', '"cubes":2'))
    assert "not in the log" in run("audit", "verify", "--receipt", str(receipt), expect=1)
    lines = audited(path).path.read_bytes().splitlines(keepends=True)
    audited(path).path.write_bytes(b"".join(lines[:-1]))
    assert "cut off the end" in run("audit", "verify", "--anchor", anchor, expect=1)
    run("audit", "verify", "--anchor", "nonsense", expect=2)
