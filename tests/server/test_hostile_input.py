"""Whatever is sent, nothing is a fault of the server's: no 5xx, and problems are told as such.

A long run by another fuzzer: scripts/fuzz_server.py.
"""

from __future__ import annotations

import json
import os
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as told
from hypothesis import strategies as st

from mnemon.server.settings import Settings

from .conftest import running

BASES = {
    "add": {"content": "x"},
    "search": {"query": "tea"},
    "recall": {"query": "tea"},
    "update/{id}": {"content": "y"},
    "restore/{id}": {},
    "link": {"src": "{id}", "type": "next", "dst": "{id}"},
    "unlink": {"src": "{id}", "type": "next", "dst": "{id}"},
    "forget": {"ids": "{id}", "dry_run": True},
    "feedback": {"ids": "{id}", "helpful": True},
    "reflect": {},
    "fsck": {},
    "reindex": {},
    "compile": {"selection": {}, "model": "no such model"},
}
TOOLS = (
    "add_memory", "search_memory", "recall", "update_memory", "forget_memory", "memory_status",
)  # fmt: skip
ARGUMENTS = (
    "content", "query", "id", "ids", "version", "k", "budget", "at", "since", "min_score", "key",
    "namespace", "purge",
)  # fmt: skip
ASKED = ("get/{id}", "list", "count", "find", "history/{id}", "links/{id}", "expired", "log")
HOSTILE = [
    str(10**400), str(2**63), "1e999", "NaN", "-1", "true", "null", '""', '"\\ud800"', '"\\u0000"',
    "[[]]", '{"": null}', '"10000-01-01"',
]  # fmt: skip
EXAMPLES = int(os.environ.get("MNEMON_FUZZ_EXAMPLES", "40"))

_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "served.db"
    with running(Settings(path, port=0)) as url, httpx2.Client(base_url=url, timeout=30) as client:
        cube = client.post("/v1/add", json={"content": "Ben likes tea.", "speaker": "Ben"}).json()
        fields = client.get("/openapi.json").json()
        yield client, cube["id"], fields


def check(answer, sent):
    assert answer.status_code < 500, (sent, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", sent
        assert answer.json()["status"] == answer.status_code


def properties(document, call):
    where = f"/v1/{call}"
    sent = document["paths"][where]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return document["components"]["schemas"][sent["$ref"].rpartition("/")[2]]["properties"]


@pytest.mark.parametrize("call", BASES)
def test_every_field_of_every_body(served, call):
    client, id, document = served
    base = json.loads(json.dumps(BASES[call]).replace("{id}", id))
    for name in properties(document, call):
        for value in HOSTILE:
            rest = json.dumps({key: one for key, one in base.items() if key != name})[1:-1]
            body = f"{{{rest}{', ' if rest else ''}{json.dumps(name)}: {value}}}"
            answer = client.post(
                f"/v1/{call.replace('{id}', id)}", content=body,
                headers={"Content-Type": "application/json"},
            )  # fmt: skip
            check(answer, body)


@pytest.mark.parametrize("call", ASKED)
def test_every_parameter_of_every_question(served, call):
    client, id, document = served
    for one in document["paths"][f"/v1/{call}"]["get"]["parameters"]:
        if one["in"] == "query":
            for value in HOSTILE:
                plain = value.strip('"').encode().decode("unicode_escape", "replace")
                asked = quote(plain, errors="replace")
                address = f"/v1/{call.replace('{id}', id)}?{one['name']}={asked}"
                check(client.get(address), address)


@pytest.mark.parametrize("header", ["If-Match", "Idempotency-Key", "Mnemon-Actor", "Content-Type"])
def test_headers(served, header):
    client, id, _ = served
    for value in (
        '"99999999999999999999999"',
        "W/",
        "*",
        "x" * 300,
        "\xff",
        "%ff",
        "",
        "text/\xe9",
    ):
        for call, body in (("add", {"content": "h"}), ("forget", {"ids": id, "dry_run": True})):
            sent = {header.encode(): value.encode("latin-1")}
            check(client.post(f"/v1/{call}", json=body, headers=sent), (header, value, call))


def test_addresses_and_uploads(served):
    client, id, _ = served
    cursor = "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMF0"  # [10**23]
    for address in (
        "get/%00", "get/%ff", "get/" + "a" * 9000, f"get/{id}/", "history/..%2f..", "/get/x",
        f"log?cursor={cursor}", f"list?cursor={cursor}", "list?metadata=%7B%22a%22:NaN%7D",
    ):  # fmt: skip
        check(client.get(f"/v1/{address}"), address)
    for name in ("a.json", "a.zip", "%00", "a.md", "a.jsonl", "chat.txt"):
        for body in (b"", b"\xff" * 99, b"{", b'{"a":' * 500, b"PK\x03\x04x", b'[{"mapping": 1}]'):
            check(client.post(f"/v1/import?name={name}", content=body), (name, body))


@told(
    max_examples=EXAMPLES, deadline=None, derandomize="MNEMON_FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(data=st.data())
def test_anything_as_anything(served, data):
    client, id, document = served
    call = data.draw(st.sampled_from(list(BASES)))
    names = st.sampled_from(list(properties(document, call)))
    body = json.loads(json.dumps(BASES[call]).replace("{id}", id))
    body |= data.draw(st.dictionaries(names, _anything, max_size=3))
    answer = client.post(
        f"/v1/{call.replace('{id}', id)}", content=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    check(answer, body)


def said(client, message):
    """What `/mcp` answers; what it could not answer is no fault of its own."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    answer = client.post("/mcp", content=message, headers=headers)
    assert answer.status_code < 500, (message, answer.text)
    assert '"code":-32603' not in answer.text.replace(" ", ""), (message, answer.text)
    return answer


@told(
    max_examples=EXAMPLES, deadline=None, derandomize="MNEMON_FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.sampled_from(TOOLS), st.dictionaries(st.sampled_from(ARGUMENTS), _anything))
def test_any_arguments_of_any_tool(served, tool, arguments):
    client, id, _ = served
    for more in ({}, {"id": id, "ids": [id], "query": "x", "content": "x", "version": 1}):
        params = {"name": tool, "arguments": {**more, **arguments}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        said(client, json.dumps(message))


@pytest.mark.parametrize(
    "named", ["%00", "%ff", "a" * 9000, "..%2f..", "%2e%2e/x", "a//b", "x/", "%22", "*", "%0a",
              "x%0a", "%ed%a0%80", "%2525", "a%5cb", "%20a", "c%23", "%c3%a9", "?x", ";x",
              "e%CC%81"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_any_namespace_in_an_address_of_the_tools(served, method, named):
    client, _, _ = served
    for address in (f"/mcp/{named}", f"/.well-known/oauth-protected-resource/mcp/{named}"):
        answer = client.request(method, address, json={})
        assert answer.status_code < 500 and not answer.is_redirect, (address, answer.text)


def test_messages_that_are_none(served):
    client, _, _ = served
    for message in (
        b"", b"{", b"[]", b"3", b"\xff", b"{}", b'{"jsonrpc": "2.0"}', b'"\\ud800"',
        b'{"jsonrpc": "2.0", "id": null, "method": "tools/call"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "nothing", "params": {}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 3}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"cursor": 7}}',
        b'{"jsonrpc": "2.0", "method": "notifications/initialized"}',
        b'{"jsonrpc": "2.0", "id": 1, "result": {}}', b'[{"jsonrpc": "2.0", "id": 1}]',
    ):  # fmt: skip
        said(client, message)
