"""Windows: what is kept from question to question says what summing the vectors says."""

from __future__ import annotations

import numpy as np
import pytest

from mnemon import Draft, Memory
from mnemon.store.rows import Filter
from mnemon.store.view import View
from mnemon.text import sums, windows
from mnemon.text.query import Query
from mnemon.text.signals import _around

SAID = [
    ("Ana", "We moved to Lisbon in March."), ("Ana", "The flat has a balcony."),
    ("Ben", "Is the harbour near?"), ("Ana", "Ten minutes by tram."), ("Ana", "I love the tram."),
    ("Ben", "日本"), ("Ben", "I bought a bicycle for the hills."),
]  # fmt: skip


@pytest.fixture
def memory() -> Memory:
    made = Memory(":memory:")
    for session in ("one", "two"):
        said = [
            Draft(text, speaker=who, session=session, at=f"2025-03-01T10:{place:02}")
            for place, (who, text) in enumerate(SAID)
        ]
        made.add(said)
    return made


def look(memory: Memory, question: str) -> tuple[View, Query, np.ndarray]:
    view, query = memory._searcher.look(question, Filter(memory.namespace))
    return view, query, _around(view, np.flatnonzero(view.eligible))


def plainly(view: View, query: Query, around: np.ndarray) -> dict[str, list[float]]:
    """A window after the other, a turn after the other."""
    assert view.vectors is not None and query.vector is not None
    told: dict[str, list[float]] = {name: [] for name in (*windows._WEIGHTS, "burst")}
    for places in around:
        run = windows._same(view, places[None])[0]
        for name in told:
            total = np.zeros(view.vectors.shape[1])
            for place, weight in zip(places, windows._WEIGHTS.get(name, run), strict=True):
                if place < len(view.rows):
                    total += weight * (view.lengths[place] + 1.0) * view.vectors[place]
            told[name].append(float(total @ query.vector / max(np.linalg.norm(total), 1e-6)))
    return told


def test_windows_are_cosines_of_weighted_sums(memory: Memory) -> None:
    for question in ("Where did Ana move?", "the tram to the harbour", "a bicycle"):
        view, query, around = look(memory, question)
        found = windows.windows(view, query, around)
        for name, wanted in plainly(view, query, around).items():
            np.testing.assert_allclose(found[name], wanted, atol=1e-5)


def test_a_turn_with_another_neighbour_is_summed_again(memory: Memory) -> None:
    view, query, around = look(memory, "the tram")
    windows.windows(view, query, around)
    memory.forget(memory.search("Is the harbour near?", k=1)[0].cube.id)
    memory.add(
        [Draft("The ferry is slow.", speaker="Ben", session="one", at="2025-03-01T10:01:30")]
    )
    view, query, around = look(memory, "the tram")
    found = windows.windows(view, query, around)
    for name, wanted in plainly(view, query, around).items():
        np.testing.assert_allclose(found[name], wanted, atol=1e-5)


def test_too_many_turns_are_forgotten(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "_MOST", 8)
    for _ in range(3):
        view, query, around = look(memory, "the tram")
        assert len(sums.of(view)._turns.rows) <= 8 + len(around) + 1
        found = windows.windows(view, query, around)["wide"]
        np.testing.assert_allclose(found, plainly(view, query, around)["wide"], atol=1e-5)


def test_vectors_are_compared_as_they_are_read(memory: Memory) -> None:
    view, query, _ = look(memory, "the tram")
    assert view.embedded is not None and view.vectors is not None and query.vector is not None
    np.testing.assert_allclose(
        view.embedded.cosines(query.vector), view.vectors @ query.vector, atol=1e-6
    )
    some = np.array([3, 0, 5])
    np.testing.assert_array_equal(view.embedded.rows(some), view.vectors[some])
