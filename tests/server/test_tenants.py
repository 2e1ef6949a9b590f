"""Two tenants on one server: a key never reaches the other's namespace, through any route."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.errors import AccessDenied
from mnemon.identity import new_id
from mnemon.server.keys import beside

SECRET = "zebra"


@dataclass(frozen=True)
class Target:
    """What an intruder may know and say: the other's ids, and a namespace to name (or none)."""

    namespace: str | None
    id: str
    own: str
    portable: bytes
    job: str


def where(target: Target) -> dict[str, Any]:
    return {} if target.namespace is None else {"namespace": target.namespace}


Sent = Callable[[Target], dict[str, Any]]


def body(**told: Any) -> Sent:
    return lambda t: {"json": {**where(t), **told}}


# Every route of the service, with a request that aims at the other tenant's cube.
ATTEMPTS: dict[tuple[str, str], list[Sent]] = {
    ("POST", "/v1/add"): [
        body(content=f"intruder {SECRET}"),
        body(content=["intruder", "intruder"]),
        body(document={"text": "intruder"}),
        lambda t: {"json": {**where(t), "content": {
            "content": "x", "spans": [{"cube": t.id, "version": 1}], "producer": "method:x@1"}}},
        lambda t: {"json": {**where(t), "content": [
            {"content": "x", "key": t.id},
            {"content": "x", "spans": [{"cube": t.id, "version": 1}], "producer": "method:x@1"}]}},
        lambda t: {"json": {**where(t), "content": "x", "key": "theirs"}},
        lambda t: {"json": {**where(t), "content": {
            "content": "x", "confidence": 1, "links": [["about", "theirs"]]}}},
    ],
    ("POST", "/v1/update/{id}"): [
        body(content="intruder"), body(policy={"writers": ["x"]}),
        lambda t: {"path": t.own, "json": {**where(t), "spans": [{"cube": t.id, "version": 1}]}},
    ],
    ("POST", "/v1/restore/{id}"): [body(version=1)],
    ("POST", "/v1/rollback"): [body(to="2090-01-01"), body(to="2020-01-01", dry_run=True)],
    ("POST", "/v1/link"): [
        lambda t: {"json": {**where(t), "src": t.own, "type": "about", "dst": t.id}},
        lambda t: {"json": {**where(t), "src": t.id, "type": "about", "dst": t.own}},
    ],
    ("POST", "/v1/unlink"): [
        lambda t: {"json": {**where(t), "src": t.id, "type": "next", "dst": t.id}}
    ],
    ("POST", "/v1/feedback"): [lambda t: {"json": {**where(t), "ids": t.id, "helpful": False}}],
    ("POST", "/v1/search"): [body(query=SECRET, k=50, explain=True)],
    ("POST", "/v1/recall"): [body(query=SECRET, budget=5000)],
    ("GET", "/v1/get/{id}"): [lambda t: {"params": where(t)}],
    ("GET", "/v1/list"): [
        lambda t: {"params": where(t)},
        lambda t: {"params": {**where(t), "after": t.id}},
    ],
    ("GET", "/v1/count"): [lambda t: {"params": where(t)}],
    ("GET", "/v1/find"): [lambda t: {"params": {**where(t), "ending": t.id[-6:]}}],
    ("GET", "/v1/history/{id}"): [lambda t: {"params": where(t)}],
    ("GET", "/v1/links/{id}"): [lambda t: {"params": where(t)}],
    ("GET", "/v1/expired"): [lambda t: {"params": {**where(t), "now": "9000-01-01"}}],
    ("POST", "/v1/forget"): [
        lambda t: {"json": {**where(t), "ids": t.id}},
        lambda t: {"json": {**where(t), "ids": [t.id], "purge": True}},
        body(speaker="Theo", purge=True),
        body(),
    ],
    ("GET", "/v1/status"): [lambda t: {}],
    ("POST", "/v1/reflect"): [
        body(), lambda t: {"json": where(t), "params": {"wait": "0"}},
    ],
    ("POST", "/v1/compile"): [
        body(selection={}, model="no such model"),
        lambda t: {"json": {**where(t), "selection": [t.id], "model": "nano"}},
    ],
    ("GET", "/v1/log"): [lambda t: {"params": {**where(t), "cube": t.id}}],
    ("GET", "/v1/namespaces"): [lambda t: {}],
    ("GET", "/v1/size"): [lambda t: {}],
    ("POST", "/v1/fsck"): [lambda t: {"json": {"repair": True}}],
    ("POST", "/v1/reindex"): [lambda t: {"json": {}}],
    ("GET", "/v1/export"): [lambda t: {"params": where(t)}],
    ("POST", "/v1/import"): [
        lambda t: {"params": where(t), "content": t.portable},
        lambda t: {"params": {**where(t), "format": "mnemon"}, "content": t.portable},
        lambda t: {"params": {**where(t), "name": "a.md"}, "content": b"# x\n\nintruder\n"},
        lambda t: {"params": {**where(t), "name": "a.md", "wait": "0"}, "content": b"intruder\n"},
        lambda t: {"params": {**where(t), "wait": "0"}, "content": t.portable},
    ],
    # With an upstream: proxy/test_callers.py.
    ("POST", "/v1/chat/completions"): [
        lambda t: {"json": {"messages": [{"role": "user", "content": SECRET}]}}
    ],
    ("POST", "/v1/responses"): [lambda t: {"json": {"input": SECRET}}],
    ("GET", "/v1/models"): [lambda t: {}],
    ("GET", "/v1/models/{id}"): [lambda t: {}],
    ("POST", "/v1/embeddings"): [lambda t: {"json": {"input": SECRET}}],
    ("GET", "/v1/jobs"): [lambda t: {"params": where(t)}],
    ("GET", "/v1/jobs/{id}"): [lambda t: {"path": t.job}],
    ("DELETE", "/v1/jobs/{id}"): [lambda t: {"path": t.job}],
    ("POST", "/v1/jobs/{id}/retry"): [lambda t: {"path": t.job}],
    ("GET", "/healthz"): [lambda t: {}],
    ("GET", "/readyz"): [lambda t: {}],
    ("GET", "/metrics"): [lambda t: {}],
}  # fmt: skip


def test_the_table_has_every_route(url):
    document = httpx2.get(f"{url}/openapi.json").json()
    routes = {
        (method.upper(), path) for path, calls in document["paths"].items() for method in calls
    }
    assert routes == {(method, path) for method, path in ATTEMPTS}


# Names that are near each other: prefixes of one another, other cases, below and above.
SEGMENTS = st.sampled_from(["an", "ana", "ana0", "ana-x", "Ana", "é", "acme"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)


def apart(pair: tuple[str, str]) -> bool:
    one, two = (f"{path}/" for path in pair)
    return not (one.startswith(two) or two.startswith(one))


def state(path: Path, namespace: str) -> Any:
    """All that a namespace holds, its journal included; not what the time of asking changes."""
    with Memory(path) as memory:
        lines = [json.loads(line) for line in memory.dump(namespace=namespace)]
        jobs = memory.jobs.list(namespace=namespace)
        return lines[1:-1], memory.log(namespace=namespace, limit=-1), jobs


counter = itertools.count()


@settings(max_examples=3, database=None)
@given(st.tuples(PATHS, PATHS).filter(apart), st.booleans())
@example(("an", "ana"), True)
@example(("acme/ana", "acme/ana-x"), True)
@example(("acme/ana", "acme/an"), False)
def test_no_route_reaches_the_other_tenant(shared, shared_path, pair, named):
    root = f"run{next(counter)}"  # one store for all examples, each below a root of its own
    mine, theirs = (f"{root}/{path}" for path in pair)
    token, key = beside(shared_path).add(root, [mine])
    with Memory(shared_path) as memory:
        own = memory.add("my own", namespace=mine)
        victim = memory.add(f"the secret {SECRET}", namespace=theirs, speaker="Theo", key="theirs")
        job = memory.jobs.reflect(namespace=theirs, wait=300)
        portable = b"".join(memory.dump(namespace=theirs)).replace(b"secret", b"forged")
        portable = portable.replace(victim.id.encode(), new_id().encode())
        portable = portable.replace(b'"key":"theirs"', b'"key":null')
    before = state(shared_path, theirs)
    target = Target(theirs if named else None, victim.id, own.id, portable, job.id)
    for (method, path), attempts in ATTEMPTS.items():
        for attempt in attempts:
            sent = attempt(target)
            address = path.replace("{id}", sent.pop("path", victim.id)).removeprefix("/v1")
            address = address if path.startswith("/v1") else f"/..{path}"
            headers = {"Authorization": f"Bearer {token}"}
            answer = shared.request(method, address, headers=headers, **sent)
            told = answer.text.replace(f"intruder {SECRET}", "")
            assert answer.status_code < 500, (path, told)
            assert "the secret" not in told and "forged" not in told, (path, told)
            if (named or _ties(sent, victim.id)) and path not in HARMLESS:
                assert answer.status_code in (403, 404), (path, told)
    assert state(shared_path, theirs) == before
    beside(shared_path).revoke(key.id)


HARMLESS = {"/v1/status", "/v1/namespaces", "/healthz", "/readyz"}


def _ties(sent: dict[str, Any], id: str) -> bool:
    """Whether a request would make something of one's own depend on the other's cube."""
    return f"'cube': '{id}'" in str(sent.get("json", ""))


def test_namespaces_tells_only_of_those_it_reaches(serve, path):
    with Memory(path) as memory:
        memory.add("x", namespace="acme/ana/a")
        memory.add("y", namespace="acme/ben")
    token, _ = beside(path).add("ana", ["acme/ana"])
    with Memory(serve(), api_key=token, namespace="acme/ana") as memory:
        assert memory.namespaces() == [("acme/ana/a", 1)]
        assert [cube.content for cube in memory.list()] == ["x"]
        for call in (memory.size, memory.fsck, lambda: memory.list(namespace="acme")):
            with pytest.raises(AccessDenied):
                call()


def test_a_key_for_everything_reaches_everything(serve, path, tmp_path):
    token, _ = beside(path).add("owner", None)
    with Memory(serve(), api_key=token) as memory:
        memory.add("x", namespace="acme/ana")
        memory.add("y", namespace="acme/ben")
        assert memory.size()["cubes"] == 2
        assert memory.export(tmp_path / "all.jsonl")["cube"] == 2
        assert memory.import_(tmp_path / "all.jsonl").known == 2


def test_an_export_of_one_tenant_holds_nothing_of_another(serve, path):
    with Memory(path, namespace="acme") as owner:
        mine = owner.add("Ana's own", namespace="acme/ana", speaker="Ana")
        theirs = owner.add(f"the secret {SECRET}", namespace="acme/ben", speaker="Theo", key="k")
        gone = owner.add("purged", namespace="acme/ben")
        owner.link(mine.id, "about", theirs.id)
        owner.link(theirs.id, "about", mine.id)
        owner.forget(gone.id, purge=True)
    token, _ = beside(path).add("ana", ["acme/ana"])
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{serve()}/v1/export"
    for query in ({}, {"namespace": "acme/ana"}):
        told = httpx2.get(url, params=query, headers=headers).text
        assert mine.id in told and '"end"' in told
        for word in (theirs.id, gone.id, SECRET, "Theo", "acme/ben", '"link":{', '"tombstone":"'):
            assert word not in told, word
    for query in ({"namespace": "acme/ben"}, {"namespace": "acme"}):
        assert httpx2.get(url, params=query, headers=headers).status_code == 403
