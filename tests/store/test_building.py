"""Indexes are made beside searches: nobody waits for one, nothing is lost or brought back."""

from __future__ import annotations

import threading
from functools import partial

import pytest

import mnemon
from mnemon.bench import synthetic
from mnemon.store import scope as scopes
from mnemon.store.index import building, lists
from mnemon.text.programs.default import Default

Memory = partial(mnemon.Memory, program=Default(rerank=None))


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A store with a scope that is big."""
    monkeypatch.setattr(scopes, "LIMIT", 100)
    monkeypatch.setattr(scopes, "FEW", 10)
    path = tmp_path / "memory.db"
    with Memory(path) as memory:
        memory.add(synthetic.turns(300, 0))
    return path


class Held:
    """`Lists.build`, which waits until it is let go."""

    def __init__(self, monkeypatch):
        self.go, self.begun = threading.Event(), threading.Event()
        self.calls, self._build = 0, lists.Lists.build
        monkeypatch.setattr(lists.Lists, "build", self)

    def __call__(self, codes, old=None, check=lambda: None):
        self.calls += 1
        self.begun.set()
        while not self.go.wait(0.01):
            check()
        return self._build(codes, old, check)


def found(memory, text="Where is the violin?"):
    return [hit.cube.id for hit in memory.search(text)]


def regime(memory):
    return memory.recall("Where is the violin?").trace["regime"]


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("mnemon-index")]


def files(path):
    return [file for file in (path.parent / f"{path.name}-index").rglob("*.npy") if file.is_file()]


def test_a_search_does_not_wait_for_an_index_and_compares_everything_meanwhile(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(scopes, "LIMIT", 10**9)
        with Memory(path, read_only=True) as memory:
            exact = found(memory)
    held = Held(monkeypatch)
    with Memory(path) as memory:
        assert found(memory) == exact and regime(memory) == "unindexed" and files(path) == []
        held.go.set()
        memory._searcher.settle()
        assert found(memory) == exact and regime(memory) == "candidates" and files(path)
        assert held.calls == 1


def test_what_comes_and_goes_while_an_index_is_made_is_in_it_and_out_of_it(path, monkeypatch):
    held = Held(monkeypatch)
    with Memory(path) as memory:
        first = found(memory)[0]
        assert held.begun.wait(10)
        memory.forget(first)
        new = memory.add("The violin is at the zoo with the zebu.").id
        assert first not in found(memory) and new in found(memory, "zebu")
        held.go.set()
        memory._searcher.settle()
        assert first not in found(memory) and new in found(memory, "zebu")
    with Memory(path) as memory:
        assert first not in found(memory) and new in found(memory, "zebu")
        assert regime(memory) == "candidates" and held.calls == 1


def test_an_index_of_what_was_purged_meanwhile_is_thrown_away(path, monkeypatch):
    held = Held(monkeypatch)
    with Memory(path) as memory:
        first = found(memory)[0]
        assert held.begun.wait(10)
        memory.forget(first, purge=True)
        assert first not in found(memory)
        held.go.set()
        memory._searcher.settle()
        assert first not in found(memory) and held.calls == 2
    with Memory(path) as memory:
        assert first not in found(memory)


def test_closing_waits_for_an_index_that_will_be_kept(path, monkeypatch):
    held = Held(monkeypatch)
    memory = Memory(path)
    found(memory)
    threading.Timer(0.1, held.go.set).start()
    memory.close()
    assert files(path) and threads() == []


def test_closing_gives_up_an_index_that_nobody_could_keep(path, monkeypatch):
    held = Held(monkeypatch)
    with Memory(path, read_only=True) as memory:
        found(memory)
    assert not held.go.is_set() and files(path) == [] and threads() == []


def test_an_index_that_could_not_be_made_is_told_and_tried_again(path, monkeypatch):
    build = lists.Lists.build

    def fail(*given):
        raise MemoryError("no room for an index")

    with Memory(path) as memory:
        monkeypatch.setattr(lists.Lists, "build", fail)
        found(memory)
        memory._searcher.settle()
        monkeypatch.setattr(lists.Lists, "build", build)
        with pytest.raises(MemoryError, match="no room for an index"):
            found(memory)
        found(memory)
        memory._searcher.settle()
        assert regime(memory) == "candidates"


def test_a_small_scope_starts_no_thread(path, monkeypatch):
    monkeypatch.setattr(scopes, "LIMIT", 1000)
    with Memory(path) as memory:
        found(memory)
        assert threads() == [] and files(path) == []


def test_a_tail_that_has_grown_long_is_sorted_into_the_lists(path, monkeypatch):
    monkeypatch.setattr(lists, "_TAIL", 20)
    with Memory(path) as memory:
        found(memory)
        memory._searcher.settle()
        memory.add(synthetic.turns(100, 1))
        found(memory)
        memory._searcher.settle()
        nearest = memory._searcher._scopes[memory.namespace]._upkeep._nearest
        assert len(nearest._lists.ids) == 400


def test_builds_after_closing_and_after_a_fork_start_anew():
    builds, done = building.Builds(), []
    builds.wait()
    builds.submit(lambda check: done.append(1))
    builds.close(wait=True)
    builds._pid = -1  # as a forked child finds it
    builds.submit(lambda check: done.append(2))
    builds.wait()
    builds.close(wait=True)
    assert done == [1, 2]
