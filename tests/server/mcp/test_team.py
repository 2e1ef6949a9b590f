"""`mnemon serve` offers the tools at `/mcp`: its keys, verbs, rates, audit log hold there too."""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import contextmanager

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from tests.server.mcp.conftest import Wire, connected
from tests.server.mcp.test_greeting import initialize

from mnemon import Memory
from mnemon.server.audit.file import beside as audited
from mnemon.server.keys import beside

KINDS = {"Accept": "application/json, text/event-stream"}


@contextmanager
def agent(url, token, mode="legacy", at="/mcp", **headers):
    """The SDK's client, which sends a key."""
    told = {"Authorization": f"Bearer {token}", **headers}
    with start_blocking_portal() as portal:
        http = httpx2.AsyncClient(headers=told, timeout=30, verify=False)
        transport = streamable_http_client(f"{url}{at}", http_client=http)
        client = Client(transport, mode=mode)
        held, opened = (portal.wrap_async_context_manager(one) for one in (http, client))
        with held, opened:
            yield Wire(portal, client)


def posted(url, message, at="/mcp", **headers):
    return httpx2.post(f"{url}{at}", json=message, headers=KINDS | headers, verify=False)


def tool(name, **arguments):
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


@pytest.fixture
def key(path):
    """A key for acme/ana, beside which there is more."""
    with Memory(path) as memory:
        for name in ("acme", "acme/bob", "acme/ana2", "default"):
            memory.add("The vault's code is 1234.", namespace=name)
    return beside(path).add("ana", ["acme/ana"], ("read", "write", "forget"))


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_key_gets_as_far_as_it_reaches(serve, path, key, mode):
    url = serve()
    with agent(url, key[0], mode) as wire:
        kept = wire.ask("add_memory", content="Our server is called Heron.", namespace="work")
        assert kept["namespace"] == "work"
        for tool in ("search_memory", "recall"):
            assert "1234" not in str(wire.ask(tool, query="vault code 1234"))
            assert "Heron" in str(wire.ask(tool, query="What is our server called?"))
            assert wire.call(tool, query="vault", namespace="../bob").is_error
        parts = [{"namespace": "work", "memories": 1}]
        assert wire.ask("memory_status") == {"memories": 1, "parts": parts}
        wire.ask("update_memory", id=kept["id"][-8:], version=1, content="It is called Egret.")
        wire.ask("forget_memory", ids=[kept["id"]])
    with Memory(path) as memory:
        events = memory.log(namespace="acme/ana")
        assert {event.actor for event in events} == {"ana"} and len(events) == 3
    entries = [(one.who, one.verb, one.outcome) for _, one in audited(path).entries()]
    assert entries == [(key[1].id, verb, "done") for verb in ("add", "update", "forget")]


def test_what_a_key_may_not_is_a_tools_error_that_is_audited(serve, path):
    token, _ = beside(path).add("reader", ["acme/ana"], ["read"])
    with agent(serve(), token) as wire:
        assert len(wire.portal.call(wire.client.list_tools).tools) == 6
        answer = wire.call("add_memory", content="The secret zebra.")
        assert answer.is_error and "may read, and this needs 'write'" in answer.content[0].text
        assert wire.call("forget_memory", ids=["0" * 36]).is_error
        assert not wire.ask("search_memory", query="zebra")["memories"]
    found = [(one.verb, one.outcome, one.status) for _, one in audited(path).entries()]
    assert found == [("add", "denied", 403), ("forget", "denied", 403)]
    assert "zebra" not in audited(path).path.read_text()


def test_no_message_is_answered_without_a_living_key(serve, path, key, problem):
    token, made = key
    url = serve()
    for message in (initialize(), tool("recall", query="vault")):
        problem(posted(url, message), 401, "urn:mnemon:key-refused")
        wrong = posted(url, message, Authorization="Bearer mnemon_wrong")
        problem(wrong, 401, "urn:mnemon:key-refused")
        assert wrong.headers["www-authenticate"] == "Bearer"
    with agent(url, token) as wire:
        assert not wire.call("recall", query="heron").is_error
        beside(path).revoke(made.id)  # which ends what was begun with it, too
        with pytest.raises(MCPError):
            wire.call("recall", query="heron")
    problem(
        posted(url, initialize(), Authorization=f"Bearer {token}"), 401, "urn:mnemon:key-refused"
    )


def test_a_key_for_several_namespaces_says_which(serve, path, problem):
    token, _ = beside(path).add("ana", ["acme/ana", "notes/ana"])
    url, message = serve(), tool("add_memory", content="x")
    held = {"Authorization": f"Bearer {token}"}
    told = problem(posted(url, message, **held), 422, "urn:mnemon:invalid-input")
    assert "Mnemon-Namespace" in told["detail"]
    other = posted(url, message, **held, **{"Mnemon-Namespace": "acme/bob"})
    problem(other, 403, "urn:mnemon:access-denied")
    with agent(url, token, **{"Mnemon-Namespace": "notes/ana/garden"}) as wire:
        wire.ask("add_memory", content="The quince is in flower.")
    with Memory(path) as memory:
        assert memory.count(namespace="notes/ana/garden") == 1


def test_without_keys_this_machines_programs_work_and_web_pages_do_not(serve, path, problem):
    url = serve()
    with connected(f"{url}/mcp") as wire:
        wire.ask("add_memory", content="Dora plays the tuba.")
    with Memory(path) as memory:
        assert [event.actor for event in memory.log()] == ["mcp"]
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        problem(posted(url, initialize(), **headers), 403, "urn:mnemon:access-denied")
    assert posted(url, initialize(), Origin=url).status_code == 200


def test_rates_and_quotas_hold(serve, path, problem):
    with Memory(path) as memory:
        memory._store.set_quota("acme/ana", 1, None)
    token, _ = beside(path).add("ana", ["acme/ana"], rate="3/h")
    url, held = serve(), {"Authorization": f"Bearer {token}"}
    for n, wrong in ((0, False), (1, True), (2, True)):
        answer = posted(url, tool("add_memory", content=f"x{n}"), **held).json()["result"]
        assert answer["isError"] is wrong
        assert not wrong or "quota" in answer["content"][0]["text"]
    refused = posted(url, tool("recall", query="x"), **held)
    problem(refused, 429, "urn:mnemon:rate-limited")
    assert int(refused.headers["retry-after"]) > 0


def test_bodies_have_the_servers_limits_and_other_methods_are_none(serve, problem):
    url = serve(max_body=2048, max_depth=20)
    long = posted(url, tool("add_memory", content="x" * 3000))
    problem(long, 413, "urn:mnemon:content-too-large")
    deep = posted(url, tool("add_memory", content=[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]))
    problem(deep, 422, "urn:mnemon:invalid-input")
    for method in ("GET", "DELETE"):  # there is no session to listen to, or to end
        assert httpx2.request(method, f"{url}/mcp", headers=KINDS).status_code == 405
    assert posted(url, "x").status_code == 400


def test_what_takes_too_long_is_finished_and_audited(serve, path, problem, monkeypatch):
    token, made = beside(path).add("ana", ["acme/ana"])
    add, slow = Memory.add, threading.Event()

    def later(memory, *args, **given):
        slow.wait(20)
        return add(memory, *args, **given)

    monkeypatch.setattr(Memory, "add", later)
    url, message = serve(timeout=0.5), tool("add_memory", content="The secret zebra.")
    answer = posted(url, message, Authorization=f"Bearer {token}")
    problem(answer, 504, "urn:mnemon:server-error")
    slow.set()
    while not (entries := [one for _, one in audited(path).entries()]):
        time.sleep(0.01)
    assert [(one.who, one.verb, one.outcome) for one in entries] == [(made.id, "add", "done")]
    with Memory(path) as memory:
        assert memory.count(namespace="acme/ana") == 1


def test_a_server_without_the_extra_says_what_to_install(serve, monkeypatch, problem):
    monkeypatch.setitem(sys.modules, "mcp", None)
    told = problem(posted(serve(), initialize()), 501, "urn:mnemon:missing-extra")
    assert "mnemon[mcp]" in told["detail"]


def test_a_fault_of_the_servers_own_tells_nothing(serve, path, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("the secret zebra")

    monkeypatch.setattr(Memory, "search", broken)
    with caplog.at_level("INFO", "mnemon.server"):
        answer = posted(serve(), tool("search_memory", query="x"))
        assert answer.json()["error"] and "zebra" not in answer.text
        while not caplog.records:
            time.sleep(0.01)
    (line,) = [json.loads(one.message) for one in caplog.records]
    assert line["error"] == "RuntimeError" and line["trace"] and "zebra" not in json.dumps(line)
