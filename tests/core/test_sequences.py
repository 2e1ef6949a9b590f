"""Any sequence of calls leaves a sound store that an export carries over whole."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon import Draft, Memory, Span
from mnemon.errors import NotFound

VERBS = ["add", "add", "add", "sum", "update", "forget", "purge", "restore", "link", "unlink",
         "carry", "key"]  # fmt: skip
operations = st.lists(
    st.tuples(st.sampled_from(VERBS), st.integers(0, 9), st.integers(0, 9)), max_size=30
)


def play(memory, folder, script):
    ids = [memory.add("first").id]
    for number, (verb, i, j) in enumerate(script):
        one, two = ids[i % len(ids)], ids[j % len(ids)]
        with suppress(NotFound):  # forgotten or purged by an earlier step
            step(memory, folder, ids, verb, one, two, number)


def step(memory, folder, ids, verb, one, two, number):
    if verb == "add":
        ids.append(memory.add(f"cube {number}", namespace=f"default/{number % 3}").id)
    elif verb == "key":
        links = (("next", f"k{number % 2}"),) if number % 3 == 0 else ()
        ids.append(memory.add(Draft(f"keyed {number % 3}", key=f"k{number % 3}", links=links)).id)
    elif verb == "sum":
        spans = tuple(Span(id, memory.get(id).version) for id in (one, two))
        ids.append(memory.add(Draft(f"of {number}", producer="method:m@1", spans=spans)).id)
    elif verb == "update":
        memory.update(one, f"changed {number}", metadata={"n": number})
    elif verb == "restore":
        memory.restore(one)
    elif verb in ("link", "unlink"):
        getattr(memory, verb)(one, "about", two)
    elif verb == "carry":
        memory.export(folder / "carry.jsonl")
        assert memory.import_(folder / "carry.jsonl").added == 0
    else:
        memory.forget(one, purge=verb == "purge")


def records(memory, folder):
    memory.export(folder / "all.jsonl")
    return (folder / "all.jsonl").read_text().splitlines()[1:-1]


@settings(deadline=None, database=None)
@given(operations)
def test_any_sequence_leaves_a_sound_store_and_an_equal_copy(script):
    with (
        tempfile.TemporaryDirectory() as name,
        Memory(":memory:") as memory,
        Memory(":memory:") as copy,
    ):
        folder = Path(name)
        play(memory, folder, script)
        assert memory.fsck() == []
        before = records(memory, folder)
        report = copy.import_(folder / "all.jsonl")
        assert report.malformed == []
        assert copy.fsck() == []
        assert records(copy, folder) == before


@settings(deadline=None, database=None)
@given(operations, operations)
def test_an_old_export_brings_back_nothing_purged(script, more):
    with tempfile.TemporaryDirectory() as name, Memory(":memory:") as memory:
        folder = Path(name)
        play(memory, folder, script)
        memory.export(folder / "old.jsonl")
        play(memory, folder, more)
        purged = memory.forget(kind="episode", purge=True).ids
        memory.import_(folder / "old.jsonl")
        assert memory.fsck() == []
        assert {cube.id for cube in memory.list(limit=-1)}.isdisjoint(purged)
