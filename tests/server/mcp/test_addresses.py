"""`/mcp/<namespace>`: an address says where the tools work, for clients that can send no header."""

from __future__ import annotations

import json
import re
import time

import httpx2
import pytest
from tests.server.mcp.conftest import connected
from tests.server.mcp.test_greeting import initialize
from tests.server.mcp.test_team import KINDS, agent, posted, tool

from mnemon import Memory
from mnemon.errors import InvalidNamespace
from mnemon.server.audit.file import beside as audited
from mnemon.server.keys import beside
from mnemon.server.mcp import address


@pytest.fixture
def held(path):
    """What somebody sends whose key reaches two namespaces, beside which there is more."""
    with Memory(path) as memory:
        memory.add("The vault's code is 1234.", namespace="teams/ops")
    token, _ = beside(path).add("ana", ["teams/eng", "notes/ana é"])
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_key_for_two_namespaces_works_in_each_by_its_address(serve, path, held, mode):
    url, token = serve(), held["Authorization"].removeprefix("Bearer ")
    with agent(url, token, mode, "/mcp/teams/eng") as wire:
        kept = wire.ask("add_memory", content="Our server is called Heron.", namespace="work")
        assert kept["namespace"] == "work"
    with agent(url, token, mode, "/mcp/notes/ana%20%C3%A9") as wire:
        wire.ask("add_memory", content="The quince is in flower.")
        assert "Heron" not in str(wire.ask("recall", query="What is our server called?"))
    with Memory(path) as memory:
        assert [memory.count(namespace=one) for one in ("teams/eng/work", "notes/ana é")] == [1, 1]


def test_below_a_keys_namespace_is_within_it_and_beside_it_is_not(serve, held, problem):
    url = serve()
    assert posted(url, tool("memory_status"), "/mcp/teams/eng/garden", **held).status_code == 200
    for other in ("teams/ops", "teams", "teams/eng2", "notes/ana"):
        answer = posted(url, tool("recall", query="vault code"), f"/mcp/{other}", **held)
        problem(answer, 403, "urn:mnemon:access-denied")
        assert "1234" not in answer.text


@pytest.mark.parametrize(
    "named", ["%2E%2E/teams/ops", "teams/%2e%2e/teams/ops", "teams//eng", "teams/eng/",
              "/teams/eng", "teams/*", "%2525", "teams/eng%00", "teams/eng%20", "x" * 600],
)  # fmt: skip
def test_what_is_no_namespace_is_refused_and_told_why(serve, held, problem, named):
    answer = posted(serve(), initialize(), f"/mcp/{named}", **held)
    told = problem(answer, 422, "urn:mnemon:invalid-namespace")
    assert "plain path" in told["detail"]


def test_a_header_beside_an_address_has_to_agree(serve, held, problem):
    url, message = serve(), tool("memory_status")
    for name, status in (("teams%2Feng", 200), ("teams/eng/x", 422), ("notes/ana%20%C3%A9", 422)):
        headers = {**held, "Mnemon-Namespace": name}
        answer = posted(url, message, "/mcp/teams/eng", **headers)
        assert answer.status_code == status
        if status == 422:
            told = problem(answer, 422, "urn:mnemon:invalid-input")
            assert "'teams/eng'" in told["detail"] and "leave the header out" in told["detail"]


def test_who_names_none_of_several_is_told_an_address(serve, held, problem):
    url = serve()
    for at in ("/mcp", "/mcp/"):
        told = problem(posted(url, initialize(), at, **held), 422, "urn:mnemon:invalid-input")
        assert "/mcp/teams/eng" in told["detail"] and "Mnemon-Namespace" in told["detail"]


def test_without_keys_an_address_names_where_too(serve, path):
    with connected(f"{serve()}/mcp/garden/caf%C3%A9") as wire:
        wire.ask("add_memory", content="Dora plays the tuba.")
    with Memory(path) as memory:
        assert [event.actor for event in memory.log(namespace="garden/café")] == ["mcp"]


def test_limits_methods_and_refusals_are_those_of_mcp(serve, path, held, problem):
    url, at = serve(max_body=2048, max_depth=20), "/mcp/teams/eng"
    long = posted(url, tool("add_memory", content="x" * 3000), at, **held)
    problem(long, 413, "urn:mnemon:content-too-large")
    deep = posted(url, tool("add_memory", content=[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]), at)
    problem(deep, 422, "urn:mnemon:invalid-input")
    for method in ("GET", "DELETE"):
        answer = httpx2.request(method, f"{url}{at}", headers=KINDS | held)
        problem(answer, 405, "about:blank")
        assert answer.headers["allow"] == "POST"
    for address_ in ("/mcp", at):
        problem(posted(url, initialize(), address_), 401, "urn:mnemon:key-refused")
    found = [(one.who, one.verb, one.outcome) for _, one in audited(path).entries()]
    assert found == [("nobody", "mcp", "denied")] * 2


def test_a_namespaces_rate_holds_whichever_way_it_is_named(serve, path, held):
    with Memory(path) as memory:
        memory._store.set_quota("teams/eng", None, None, "2/h")
    url, told = serve(), {**held, "Mnemon-Namespace": "teams/eng"}
    ways = [("/mcp", told), ("/mcp/teams/eng", held), ("/mcp/teams/eng", held)]
    answers = [posted(url, tool("recall", query="x"), at, **sent) for at, sent in ways]
    wrong = [one.json()["result"]["isError"] for one in answers]
    assert wrong == [False, False, True]


def test_log_and_metrics_name_the_route_and_no_namespace(serve, caplog):
    url = serve()
    with caplog.at_level("INFO", "mnemon.server"):
        for n in range(3):
            posted(url, tool("memory_status"), f"/mcp/zebra{n}")
        while len(caplog.records) < 3:
            time.sleep(0.01)
    lines = [json.loads(one.message) for one in caplog.records]
    assert {line["route"] for line in lines} == {"/mcp/{namespace:path}"}
    text = httpx2.get(f"{url}/metrics").text
    (series,) = re.findall(r"mnemon_request_seconds_count\{.*/mcp.*\} (.*)", text)
    assert series == "3.0" and "zebra" not in text + json.dumps(lines)


def test_addresses_of_namespaces_can_be_written_and_read():
    for name in ("teams/eng", "acme/ana é", "c#/x y", "a&b=c@d:e+f,g~h(i)!j"):
        path = address.of(name)
        assert path.isascii() and " " not in path and "#" not in path
        assert address.namespace(httpx2.URL(f"http://x{path}").path) == name
    assert address.namespace("/mcp") is None and address.namespace("/mcp/") is None
    assert address.leads("/mcp/teams/eng") and not address.leads("/mcpx")
    with pytest.raises(InvalidNamespace):
        address.of("acme/../ben")
