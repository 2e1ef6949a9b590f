"""The short way of add, search and recall says what the framework's way says, in every case."""

from __future__ import annotations

import threading

import httpx2

from mnemon import Memory
from mnemon.server import straight
from mnemon.server.keys import beside
from mnemon.server.settings import Settings

from .conftest import running

JSON = {"Content-Type": "application/json"}
SENT = {
    "an item": ("add", b'{"content": "tea", "key": "k", "metadata": {"b": 99999999999999999999}}'),
    "the same again": ("add", b'{"content": "other", "key": "k"}'),
    "a message": ("add", b'{"content": {"role": "Ben", "content": [{"text": "a"}]}}'),
    "a draft": ("add", b'{"content": {"content": "d", "policy": {"readers": ["x"]}}}'),
    "a source": ("add", b'{"content": {"content": "d", "spans": [{"cube": "x", "version": 1}]}}'),
    "several": ("add", b'{"content": ["a", {"content": "b"}]}'),
    "several, one bad": ("add", b'{"content": ["a", ""]}'),
    "a document": ("add", b'{"document": {"text": "One. Two.", "title": "T"}}'),
    "nothing": ("add", b"{}"),
    "empty": ("add", b'{"content": ""}'),
    "null": ("add", b'{"content": null}'),
    "unknown": ("add", b'{"content": "x", "colour": "red"}'),
    "unknown in an item": ("add", b'{"content": {"content": "x", "colour": "red"}}'),
    "a bad time": ("add", b'{"content": "x", "at": "yesterday-ish"}'),
    "no text": ("add", b'{"content": "\\ud800"}'),
    "a null byte": ("add", b'{"content": "a\\u0000b"}'),
    "twice": ("add", b'{"content": "first", "content": "second"}'),
    "no JSON": ("add", b'{"content": '),
    "a list": ("add", b"[]"),
    "latin-1": ("add", b'{"content": "caf\xe9"}'),
    "UTF-16": ("add", '{"content": "x"}'.encode("utf-16")),
    "infinite": ("search", b'{"query": "tea", "min_score": 1e999}'),
    "a number as text": ("search", b'{"query": "tea", "k": "3"}'),
    "half a hit": ("search", b'{"query": "tea", "k": 1.5}'),
    "a search": ("search", b'{"query": "tea", "k": 2, "explain": true}'),
    "a search of others": ("search", b'{"query": "tea", "namespace": "acme"}'),
    "a bad namespace": ("search", b'{"query": "tea", "namespace": "/.."}'),
    "no hits": ("search", b'{"query": "tea", "k": 0}'),
    "a recall": ("recall", b'{"query": "tea", "budget": 50}'),
    "no budget": ("recall", b'{"query": "tea", "budget": -1}'),
}  # fmt: skip


def told(answer):
    """An answer without what no two runs have in common."""
    said = answer.json()
    for one in said if isinstance(said, list) else [said]:
        if "detail" in one:
            one["detail"] = one["detail"].replace(one.get("id", "-"), "<id>")
        for name in ("id", "recorded_at", "valid_from", "trace", "reasons"):
            one.pop(name, None)
            one.get("cube", {}).pop(name, None)
        for hit in one.get("hits", ()):
            for name in ("id", "recorded_at", "valid_from"):
                hit["cube"].pop(name)
    return answer.status_code, answer.headers["content-type"], said


def test_both_ways_say_the_same(serve, tmp_path, monkeypatch):
    def answers(url):
        return {
            name: told(httpx2.post(f"{url}/v1/{call}", content=body, headers=JSON))
            for name, (call, body) in SENT.items()
        }

    short = answers(serve())
    monkeypatch.setattr(straight, "_CALLS", {})
    with running(Settings(tmp_path / "framework.db", port=0)) as url:
        framework = answers(url)
    for name in SENT:
        assert short[name] == framework[name], name
    assert {status for status, *_ in short.values()} >= {200, 400, 422}


def test_keys_are_asked_on_the_short_way_too(serve, path, problem):
    reader, _ = beside(path).add("ana", ["acme/ana"], ["read"])
    dead, key = beside(path).add("ben", None)
    beside(path).revoke(key.id)
    url = serve()

    def post(call, body, token=None, **headers):
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return httpx2.post(f"{url}/v1/{call}", json=body, headers=headers)

    problem(post("add", {"content": "x"}), 401, "urn:mnemon:key-refused")
    problem(post("add", {"content": "x"}, dead), 401, "urn:mnemon:key-refused")
    problem(post("add", {"content": "x"}, reader), 403, "urn:mnemon:access-denied")
    problem(
        post("search", {"query": "x", "namespace": "acme"}, reader), 403, "urn:mnemon:access-denied"
    )
    actor = {"Mnemon-Actor": "eve"}
    problem(post("search", {"query": "x"}, reader, **actor), 403, "urn:mnemon:access-denied")
    assert post("search", {"query": "x"}, reader).json() == []


def test_adds_that_arrive_together_fail_alone(url, path):
    answers = {}

    def add(n):
        body = {
            "content": "" if n % 3 == 0 else f"number {n // 2}",
            "speaker": f"s{n // 2}",
            "key": str(n // 2),
        }
        answers[n] = httpx2.post(f"{url}/v1/add", json=body, timeout=30)

    threads = [threading.Thread(target=add, args=(n,)) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: a.status_code for n, a in answers.items()} == {
        n: 422 if n % 3 == 0 else 200 for n in range(60)
    }
    with Memory(path) as memory:
        cubes = {cube.id for cube in memory.list(limit=-1)}
        assert cubes == {a.json()["id"] for a in answers.values() if a.status_code == 200}
        assert len(cubes) == 30  # a key is one cube, whoever comes first
        assert memory.fsck() == []
