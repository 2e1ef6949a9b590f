"""Recency and strength: what is new or used ranks first, whatever the question."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mnemon import methods

DAY = 86_400_000_000
NOW = 20_000 * DAY
RECENCY = methods.load("text.retrieve", "recency")


def strength(
    age: int, reads: int = 0, idle: int = 0, helpful: int = 0, unhelpful: int = 0
) -> float:
    """Of a cube `age` days old, last read `idle` days ago."""
    usage = np.asarray([[reads, NOW - idle * DAY if reads else 0, helpful, unhelpful]])
    return float(RECENCY.strengths(NOW, np.asarray([NOW - age * DAY]), usage)[0])


def test_the_newest_comes_first(empty, ask) -> None:
    for day in ("2023-05-08", "2023-05-20", "2023-05-01"):
        empty.add(f"note of {day}", at=day, session=day)
    found, told = ask("recency", "note", at="2023-06-01")
    assert found == ["note of 2023-05-20", "note of 2023-05-08", "note of 2023-05-01"]
    assert told[found[0]] == "12 days old"


def test_what_was_read_and_helped_is_stronger(empty, ask) -> None:
    old = empty.add("the old note", at="2023-05-01", session="a")
    empty.add("the other note", at="2023-05-01", session="b")
    bad = empty.add("the bad note", at="2023-05-01", session="c")
    empty.search("the old note", k=1)
    empty.feedback(old.id, helpful=True)
    empty.feedback(bad.id, helpful=False)
    empty._searcher.flush()
    found, told = ask("recency", "note")
    assert found == ["the old note", "the other note", "the bad note"]
    assert told["the old note"].endswith("read 1×, helpful 1×")
    assert told["the bad note"].endswith("unhelpful 1×")


def test_it_decides_nothing_alone_in_a_fusion(empty) -> None:
    from mnemon import Memory
    from mnemon.text.programs.default import Default

    channels = (("words", 1.0, {}), ("recency", 0.1, {}))
    with Memory(":memory:", program=Default(channels=channels, rerank=None)) as memory:
        memory.add("the heron", at="2001-01-01", session="a")
        memory.add("a new boat", session="b")
        assert memory.search("heron")[0].cube.content == "the heron"
        assert memory.search("nothing of that", min_score=0.05) == []


def test_without_use_it_is_the_power_law_of_age() -> None:
    assert math.isclose(strength(99), 100**-0.5, rel_tol=1e-6)


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_older_is_weaker(age: int, more: int) -> None:
    assert strength(age + more) < strength(age)


@given(st.integers(2, 4000), st.integers(1, 50), st.data())
def test_each_use_strengthens_and_a_late_one_more(
    age: int, reads: int, data: st.DataObject
) -> None:
    idle = data.draw(st.integers(0, age - 1))
    assert strength(age, reads, idle) > strength(age)
    assert strength(age, reads + 1, idle) > strength(age, reads, idle)
    assert strength(age, reads, idle + 1) < strength(age, reads, idle)


@given(st.integers(1, 4000), st.integers(0, 20), st.integers(0, 20))
def test_judgements_strengthen_and_weaken(age: int, helpful: int, unhelpful: int) -> None:
    before = strength(age, helpful=helpful, unhelpful=unhelpful)
    assert strength(age, helpful=helpful + 1, unhelpful=unhelpful) > before
    assert strength(age, helpful=helpful, unhelpful=unhelpful + 1) < before


@given(st.integers(0, 3000), st.integers(1, 20))
def test_the_approximation_lies_between_all_uses_late_and_all_early(age: int, reads: int) -> None:
    """Petrov's formula spreads the uses that are not known: the plain sum bounds it."""
    found = strength(age + 1, reads, 0)
    newest, oldest = 1.0, (age + 2) ** -0.5
    assert newest + reads * oldest - 1e-6 <= found <= newest * (reads + 1) + 1e-6
