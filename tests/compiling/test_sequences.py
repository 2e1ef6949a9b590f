"""After any sequence of calls, what is fresh and what lies where is what the sources say."""

from __future__ import annotations

import random
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon import Memory, removal
from mnemon.errors import NotFound, StaleArtifact

from .held import Book, lying

VERBS = (*["add"] * 3, *["publish"] * 7, "update", "restore", "restore", "forget", "purge", "sweep",
         "crash", "open")  # fmt: skip
_remotes = iter(range(10**9))


class World:
    """A memory, its places, and what must be true of both, kept the plain way."""

    def __init__(self, memory: Memory, folder: Path) -> None:
        self.memory, self.places = memory, (folder, f"memory://world-{next(_remotes)}")
        self.book = Book(memory, *self.places)
        self.current: dict[str, int] = {}  # id → version, of cubes that are not forgotten
        self.ids: list[str] = []
        self.rows: dict[str, tuple[str | None, set[tuple[str, int]]]] = {}
        self.left: set[str] = set()  # what a crash left to be removed
        self.add()

    def add(self) -> None:
        cube = self.memory.add(f"cube {len(self.ids) % 4}")
        self.ids.append(cube.id)
        self.current[cube.id] = 1

    def is_fresh(self, key: str | None) -> bool:
        if key is None:
            return True
        parent, sources = self.rows.get(key, (None, {("?", 0)}))
        good = all(self.current.get(id) == version for id, version in sources)
        return good and self.is_fresh(parent)

    def gone_with(self, doomed: set[str]) -> set[str]:
        while more := {k for k, (parent, _) in self.rows.items() if parent in doomed} - doomed:
            doomed |= more
        for key in doomed:
            self.rows.pop(key, None)
        return doomed

    def made_of(self, id: str) -> set[str]:
        return {key for key, (_, of) in self.rows.items() if id in {one for one, _ in of}}

    def publish(self, i: int, j: int) -> None:
        keys = [None, *self.rows]
        parent = keys[i % len(keys)]
        alive = list(self.current) or self.ids
        cube = self.memory.get(alive[j % len(alive)])
        known = self.is_fresh(parent)
        try:
            key = self.book.publish(cube.content, cube, parent=parent)
        except StaleArtifact:
            assert not known
            return
        assert known
        had = self.rows[key][1] if self.is_fresh(key) and key in self.rows else set()
        self.rows[key] = (parent, had | {(cube.id, cube.version)})
        self.left.discard(key)

    def step(self, verb: str, i: int, j: int) -> None:
        id = self.ids[i % len(self.ids)]
        if verb == "add":
            self.add()
        elif verb == "publish":
            self.publish(i, j)
        elif verb == "update":
            self.current[id] = self.memory.update(id, f"cube {j % 4}").version
        elif verb == "restore":
            self.current[id] = self.memory.restore(id).version
        elif verb in ("forget", "purge"):
            self.forget(id, verb == "purge")
        elif verb == "sweep":
            stale = {key for key in self.rows if not self.is_fresh(key)}
            assert self.memory.artifacts.sweep() == len(self.gone_with(stale))
            self.left = set()
        elif verb == "crash":
            self.crash(id, j)
        else:
            removal.catch_up(self.memory._store)
            self.left = set()

    def forget(self, id: str, purge: bool) -> None:
        alive = id in self.current
        before = [lying(place) for place in self.places]
        receipt = self.memory.forget(id, purge=purge)
        doomed = self.gone_with(self.made_of(id)) if alive or purge else set()
        self.current.pop(id, None)
        assert receipt.artifacts == len(doomed) and receipt.pending == ()
        assert receipt.blobs == sum(len(there & (doomed | self.left)) for there in before)
        self.left = set()

    def crash(self, id: str, j: int) -> None:
        """A process that died after the commit, and had bytes that no row names yet."""
        alive = id in self.current
        if j % 2 and alive:
            ended, _ = self.memory._store.retire([id], "me")
            assert ended == [id]
        else:
            self.memory._store.purge([id], "me")
        self.left |= self.gone_with(self.made_of(id))
        self.current.pop(id, None)

    def check(self) -> None:
        keys = set(self.rows)
        fresh = {key for key in keys if self.is_fresh(key)}
        assert self.book.ledger.fresh(sorted(keys)) == fresh
        listed = self.memory.artifacts.list(form="kv-block")
        assert {one.key: one.fresh for one in listed} == {key: key in fresh for key in keys}
        for place in self.places:
            assert fresh <= lying(place) <= keys | self.left
        assert self.memory.size()["removals"] == len(self.left) * len(self.places)


def played(memory: Memory, script: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        world = World(memory, Path(name))
        for verb, i, j in script:
            with suppress(NotFound):  # forgotten or purged by an earlier step
                world.step(verb, i, j)
            world.check()
        world.step("open", 0, 0)
        world.check()
        assert memory.fsck() == []


@settings(max_examples=15, deadline=None, database=None)
@given(
    st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 9), st.integers(0, 9)), max_size=20)
)
def test_any_sequence_leaves_only_what_is_current(script):
    with Memory(":memory:") as memory:
        played(memory, script)


def long(seed: int, steps: int) -> list[tuple[str, int, int]]:
    dice = random.Random(seed)
    return [(dice.choice(VERBS), dice.randrange(10), dice.randrange(10)) for _ in range(steps)]


@pytest.mark.parametrize("seed", range(5))
def test_so_does_a_long_one(seed):
    with Memory(":memory:") as memory:
        played(memory, long(seed, 60))


@pytest.mark.parametrize("seed", range(2))
def test_so_does_one_over_postgresql(database, seed):
    with Memory(database()) as memory:
        played(memory, long(seed, 30))
