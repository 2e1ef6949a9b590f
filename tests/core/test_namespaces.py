"""Namespaces: every call refuses a bad one, and no read leaves its own."""

from __future__ import annotations

import json
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.errors import InvalidNamespace, NotFound

BAD = ["", "/", "/a", "a/", "a//b", "..", "a/../b", ".", "*", "a/*", "a?", "a\n", "a\x00", "a/ b",
       " a", "a\ud800", "a'b", "a%", "x" * 600, 3]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_every_call_refuses_a_bad_namespace(memory, tmp_path, bad):
    one, two = memory.add(["one", "two"])
    calls = [
        lambda: memory.add("x", namespace=bad),
        lambda: memory.search("x", namespace=bad),
        lambda: memory.recall("x", namespace=bad),
        lambda: memory.get(one.id, namespace=bad),
        lambda: memory.list(namespace=bad),
        lambda: memory.count(namespace=bad),
        lambda: memory.history(one.id, namespace=bad),
        lambda: memory.update(one.id, "x", namespace=bad),
        lambda: memory.restore(one.id, namespace=bad),
        lambda: memory.link(one.id, "about", two.id, namespace=bad),
        lambda: memory.unlink(one.id, "about", two.id, namespace=bad),
        lambda: memory.links(one.id, namespace=bad),
        lambda: memory.forget(namespace=bad),
        lambda: memory.feedback(one.id, True, namespace=bad),
        lambda: memory.log(namespace=bad),
        lambda: memory.reflect(namespace=bad),
        lambda: memory.expired("2024-01-01", namespace=bad),
        lambda: memory.export(tmp_path / "x.jsonl", namespace=bad),
        lambda: Memory(":memory:", namespace=bad),
    ]
    for call in calls:
        with pytest.raises(InvalidNamespace):
            call()
    assert memory.count() == 2


segments = st.sampled_from(["an", "ana", "ana0", "ana-x", "Ana", "名前", "a.b", "é", "z"])
paths = st.lists(segments, min_size=1, max_size=3).map("/".join)


@settings(max_examples=25, deadline=None, database=None)
@given(st.lists(paths, min_size=1, max_size=8), paths)
def test_no_read_path_leaves_its_scope(used, scope):
    with tempfile.TemporaryDirectory() as folder, Memory(":memory:", namespace="root") as memory:
        cubes = [memory.add(f"ostrich {i}", namespace=f"root/{p}") for i, p in enumerate(used)]
        for one, two in pairwise(cubes):
            memory.link(one.id, "next", two.id)
        scope = f"root/{scope}"
        inside = {cube.id for cube in cubes if f"{cube.namespace}/".startswith(f"{scope}/")}
        for seen in everything_read(memory, scope, cubes, Path(folder)):
            assert seen == inside
        links = [link for cube in cubes for link in memory.links(cube.id, namespace=scope)]
        assert {end for link in links for end in (link.src, link.dst)} <= inside


def everything_read(memory, scope, cubes, folder):
    """Ids that each way of reading gives."""
    listed = memory.list(namespace=scope)
    assert memory.count(namespace=scope) == len(listed)
    yield {cube.id for cube in listed}
    yield {hit.cube.id for hit in memory.search("ostrich", 50, namespace=scope)}
    yield {hit.cube.id for hit in memory.recall("ostrich", 5000, namespace=scope).hits}
    yield {event.cube for event in memory.log(namespace=scope)}
    yield {cube.id for cube in cubes if reachable(memory, cube.id, scope)}
    yield exported(memory, folder, scope)


def reachable(memory, id, scope):
    answers = []
    for ask in (memory.get, memory.history):
        try:
            answers.append(bool(ask(id, namespace=scope)))
        except NotFound:
            answers.append(False)
    assert answers[0] == answers[1]
    return answers[0]


def exported(memory, folder, scope):
    memory.export(folder / "part.jsonl", namespace=scope)
    lines = (folder / "part.jsonl").read_text().splitlines()
    return {record["cube"] for record in map(json.loads, lines) if "cube" in record}


def test_a_change_through_another_scope_is_refused(memory):
    cube = memory.add("theirs", namespace="acme/ana")
    for call in (
        lambda: memory.update(cube.id, "mine", namespace="acme/an"),
        lambda: memory.feedback(cube.id, True, namespace="acme/an"),
        lambda: memory.link(cube.id, "about", cube.id, namespace="acme/an"),
    ):
        with pytest.raises(NotFound):
            call()
    assert memory.forget(cube.id, namespace="acme/an", purge=True).cubes == 0
    assert memory.get(cube.id, namespace="acme").version == 1


def test_a_memory_works_in_its_own_namespace(open_memory):
    ana, ben = open_memory(namespace="acme/ana"), open_memory(namespace="acme/ben")
    cube = ana.add("hers")
    assert ana.list() == [cube]
    assert ben.list() == ben.search("hers") == []
    assert open_memory(namespace="acme").list() == [cube]
    assert ana.namespaces() == [("acme/ana", 1)]
