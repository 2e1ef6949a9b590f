"""Forgetting: what is recalled outlives what is not, by a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Draft, MemCube, Memory, Policy, instant, methods
from mnemon.cube import Edit, Usage
from mnemon.store.rows import Filter
from mnemon.text.maintain.forgetting_curve import ForgettingCurve
from mnemon.text.maintain.langevin import Langevin
from mnemon.text.programs.memorybank import MemoryBank

START = datetime(2025, 3, 1, 9, tzinfo=UTC)
FACTS = [
    "The spare key hangs behind the boiler.",
    "Nadia's piano teacher is called Mr Okafor.",
    "The car insurance is with Helvetia.",
    "My blood type is B negative.",
    "The wifi password of the cabin is heron-lake-42.",
    "Uncle Theo keeps bees in Savoy.",
    "The dentist closes at noon on Fridays.",
    "Our tent sleeps four people.",
]


class Clock:
    """What the store takes for the time of day."""

    def __init__(self) -> None:
        self.now = START

    def time_ns(self) -> int:
        return instant.to_micros(self.now) * 1000

    def sleep(self, days: float) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(instant, "time", SimpleNamespace(time_ns=made.time_ns))
    return made


@pytest.fixture
def memory(clock: Clock) -> Iterator[Memory]:
    with Memory(":memory:", program="memorybank") as memory:
        yield memory


def contents(memory: Memory) -> list[str]:
    return [cube.content for cube in memory.list()]


def retire(memory: Memory, method: Any, now: datetime) -> None:
    for edit in list(method.maintain(memory, memory.namespace, now)):
        assert edit.action == "retire"
        memory.forget(edit.cube)


def test_what_is_recalled_every_day_outlives_what_is_not(memory: Memory, clock: Clock) -> None:
    memory.add(FACTS, session="first")
    for _ in range(6):
        clock.sleep(days=1)
        memory.search("Where is the spare key?", k=1)
        memory.reflect()
    assert contents(memory) == [FACTS[0]]
    assert memory.search("Who teaches Nadia the piano?")[0].cube.content == FACTS[0]
    past = memory.search("Who teaches Nadia the piano?", as_of=START + timedelta(days=1))
    assert past[0].cube.content == FACTS[1]


def test_each_recall_adds_a_day_of_strength(memory: Memory, clock: Clock) -> None:
    memory.add(FACTS[:2])
    for _ in range(3):
        memory.search("spare key boiler", k=1)
    curve, (often, never) = ForgettingCurve(), memory.list()
    assert never.usage.reads == 0
    memory.reflect()
    often = memory.get(often.id)
    assert often.usage.reads == 3
    later = clock.now + timedelta(days=2)
    assert curve.faded(often, later) == pytest.approx(2 / 4)
    assert curve.faded(never, later) == pytest.approx(2 / 1)


def test_a_store_of_fixed_size_answers_better_than_one_that_keeps_the_newest(clock: Clock) -> None:
    asked = {"Where is the spare key?": FACTS[0], "When does the dentist close?": FACTS[6]}
    answered = {}
    for most, forget in ((4, ForgettingCurve(least=0.0, most=4)), (4, Newest(4))):
        with Memory(":memory:", program=replace(MemoryBank(), maintain=())) as memory:
            for fact in FACTS:
                memory.add(fact)
                for question, fact_asked in asked.items():
                    if fact_asked in contents(memory):
                        memory.search(question, k=1)
                memory.reflect()
                clock.sleep(days=1)
            retire(memory, forget, clock.now)
            assert memory.count() == most
            found = [memory.search(question, k=1)[0].cube.content for question in asked]
            answered[type(forget).__name__] = sum(map(str.__eq__, found, asked.values()))
    assert answered == {"ForgettingCurve": 2, "Newest": 1}


@dataclass(frozen=True)
class Newest:
    """First in, first out."""

    most: int

    def maintain(self, memory: Memory, namespace: str, now: datetime) -> Iterator[Edit]:
        for cube in memory.list(namespace=namespace)[: -self.most]:
            yield Edit("retire", "old", cube=cube.id)


def test_what_must_be_kept_is_never_forgotten(memory: Memory, clock: Clock) -> None:
    memory.add("I am called Ines.", kind="profile")
    memory.add(Draft("The visa.", policy=Policy(retain_until=START + timedelta(days=60))))
    memory.add("What I had for lunch.")
    clock.sleep(days=30)
    memory.reflect()
    assert contents(memory) == ["I am called Ines.", "The visa."]


def test_an_import_of_old_talk_is_not_forgotten_at_once(memory: Memory) -> None:
    memory.add(FACTS, at="2011-05-01")
    assert memory.reflect() == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 400)), min_size=1), st.integers(0, 5))
def test_keeping_to_a_size_lets_the_most_faded_go(used: list[tuple[int, float]], most: int) -> None:
    cubes = [made(f"{i}", reads, days) for i, (reads, days) in enumerate(used)]
    curve = ForgettingCurve(least=0.0, most=most)
    gone = {edit.cube for edit in curve.maintain(Listed(cubes), "default", START)}
    assert len(gone) == max(0, len(cubes) - most)
    kept = [curve.faded(cube, START) for cube in cubes if cube.id not in gone]
    assert all(
        curve.faded(cube, START) >= max(kept, default=0.0) for cube in cubes if cube.id in gone
    )


class Listed:
    """The reading calls of a memory that holds these cubes."""

    def __init__(self, cubes: list[MemCube]) -> None:
        self.cubes = cubes

    def list(self, **_: Any) -> list[MemCube]:
        return self.cubes


def made(id: str, reads: int = 0, days: float = 0.0) -> MemCube:
    then = START - timedelta(days=days)
    return MemCube(id, 1, "default", "episode", id, then, then, usage=Usage(reads=reads))


def test_retention_lets_what_was_recalled_rise(memory: Memory, clock: Clock) -> None:
    memory.add(["We hid the present in the attic.", "We hid the presents in the attic."])
    clock.sleep(days=9)
    view, query = memory._searcher.look("presents in the attic", Filter(memory.namespace))
    plain = methods.load("text.retrieve", "retention", loss=0.0).retrieve(view, query)
    last = int(plain.indices[-1])
    memory.search(memory.list()[last].content, k=1)
    memory._searcher.flush()
    view, query = memory._searcher.look("presents in the attic", Filter(memory.namespace))
    again = methods.load("text.retrieve", "retention", loss=1.0).retrieve(view, query)
    assert again.indices[0] == last
    assert again.why is not None and again.why([last])[0].endswith("retention 1.00")


def test_langevin_archives_the_idle_before_the_used() -> None:
    cubes = [made(f"{i:032x}", reads, 60.0) for i in range(100) for reads in (0, 8)]
    radii = Langevin().radii(cubes, START)
    idle, used = radii[0::2], radii[1::2]
    assert (idle >= 0.8).mean() > 0.9 and (used >= 0.8).mean() < 0.1


def test_langevin_keeps_what_is_fresh_and_retires_what_was_left(
    memory: Memory, clock: Clock
) -> None:
    memory.add(FACTS[:1])
    clock.sleep(days=100)
    memory.add(FACTS[1:2])
    retire(memory, Langevin(), clock.now)
    assert contents(memory) == FACTS[1:2]


def test_langevin_walks_the_same_path_twice_and_another_under_another_seed() -> None:
    cubes = [made(f"{i:032x}", 1, 20.0) for i in range(70)]
    first, again = (Langevin().radii(cubes, START) for _ in range(2))
    assert (first == again).all() and (Langevin(seed=1).radii(cubes, START) != first).any()
    alone = np.concatenate([Langevin().radii([cube], START) for cube in cubes])
    assert alone == pytest.approx(first)


@given(st.integers(0, 2000), st.integers(0, 50), st.floats(0, 2))
def test_langevin_never_leaves_the_ball(days: int, reads: int, temperature: float) -> None:
    (radius,) = Langevin(temperature=temperature, rim=0.98).radii([made("a", reads, days)], START)
    assert 0.0 < radius < 1.0


def test_without_noise_nothing_wanders_out_while_it_is_held() -> None:
    held = [made(f"{i}", 3, 40.0) for i in range(5)]
    assert (Langevin(temperature=0.0).radii(held, START) < 0.06).all()
