"""MemGAS: the mixture, the router, the walk, and what they make of a search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mnemon import Draft, Memory, methods
from mnemon.errors import InvalidInput
from mnemon.store.rows import Filter
from mnemon.text.retrieve._mixture import upper
from mnemon.text.retrieve._router import certainty, weights
from mnemon.text.retrieve._walk import walk

ABOUT = {
    "boats": ["The mast of the boat broke.", "We sanded the hull.", "It floats again."],
    "bread": ["The dough rose for a day.", "We baked at dawn.", "It smells wonderful."],
    "chess": ["She opened with the rook.", "The clock ran out.", "It was a draw."],
}


@pytest.fixture
def memory() -> Any:
    with Memory(":memory:", program="memgas") as memory:
        for session, lines in ABOUT.items():
            memory.add([Draft(line, speaker="Ana", session=session) for line in lines])
        memory.reflect()
        yield memory


def ranked(memory: Memory, text: str, **options: Any) -> list[str]:
    view, query = memory._searcher.look(text, Filter(memory.namespace))
    found = methods.load("text.retrieve", "granularities", **options).retrieve(view, query)
    return view.texts(found.indices.tolist())


def test_a_mixture_tells_two_groups_apart_in_every_row() -> None:
    random = np.random.default_rng(0)
    high = random.random((40, 25)) < 0.3
    values = np.where(high, random.normal(0.8, 0.05, high.shape), random.normal(0.2, 0.1, (40, 25)))
    assert (upper(values) == high).mean() > 0.98


def test_a_mixture_has_no_upper_part_where_nothing_varies() -> None:
    assert not upper(np.full((2, 9), 0.4)).any()
    assert upper(np.zeros((0, 5))).shape == (0, 5)


@given(arrays(np.float64, (3, 8), elements=st.floats(-1, 1)))
def test_a_mixture_takes_from_the_top_of_a_row(values: np.ndarray) -> None:
    for row, taken in zip(values, upper(values), strict=True):
        if taken.any():
            assert row[taken].mean() > row.mean()


def test_the_router_trusts_the_granularity_that_is_sure() -> None:
    sure = np.array([0.9, 0.1, 0.1, 0.1], np.float32)
    unsure = np.full(4, 0.5, np.float32)
    assert certainty(unsure, 0.1) == pytest.approx(0.0, abs=1e-9)
    assert certainty(sure, 0.1) > certainty(sure / 2, 0.1) > 0
    assert weights([sure, unsure], 0.1).tolist() == pytest.approx([1.0, 0.0], abs=1e-9)
    assert weights([unsure, unsure], 0.1).tolist() == [0.5, 0.5]
    assert certainty(np.array([0.3], np.float32), 0.1) == 0.0


def test_a_walk_without_edges_only_fades() -> None:
    reset = np.array([0.5, 0.25, 0.25])
    assert walk(reset, np.zeros((0, 2), np.int64), 0.1).tolist() == pytest.approx(0.9 * reset)


def test_a_walk_is_the_solution_of_its_equation() -> None:
    random = np.random.default_rng(3)
    reset = random.random(12)
    reset /= reset.sum()
    ends = np.array([[0, 1], [0, 5], [1, 5], [2, 9], [3, 4]])
    for doors in (1, 4):
        matrix = np.zeros((12, 12))
        for a, b in ends:
            matrix[a, b] = matrix[b, a] = 1.0
        matrix /= np.maximum(matrix.sum(axis=0), doors)
        exact = np.linalg.solve(np.eye(12) - 0.3 * matrix, 0.7 * reset)
        assert walk(reset, ends, 0.3, doors) == pytest.approx(exact, abs=1e-8)


def test_a_turn_gains_by_its_session(memory: Memory) -> None:
    alone = ranked(memory, "What about the boat and its mast?", use="turn", damping=0.0)
    mixed = ranked(memory, "What about the boat and its mast?", coarse=1.0)
    assert alone[0] == mixed[0] == "The mast of the boat broke."
    assert set(mixed[:3]) == set(ABOUT["boats"])


def test_associated_turns_are_reached_from_one_that_matches() -> None:
    with Memory(":memory:", program="memgas") as memory:
        texts = ["Zyzzyva beetles eat palm leaves.", "Beetles that eat palm leaves are pests."]
        texts += [f"Remark number {n} on the weather in town." for n in range(12)]
        memory.add([Draft(text, session=f"s{n}") for n, text in enumerate(texts)])
        only = {"use": "turn", "lexical": 1.0}
        assert ranked(memory, "zyzzyva", damping=0.0, **only) == texts[:1]
        assert ranked(memory, "zyzzyva", damping=0.1, **only) == texts[:2]


@pytest.mark.parametrize("use", ["turn", "session", "summary", "keywords", ["turn", "summary"]])
def test_each_granularity_can_answer_alone(memory: Memory, use: Any) -> None:
    best = ranked(memory, "How long did the dough rise?", use=use)[:3]
    assert set(best) & set(ABOUT["bread"])


def test_before_any_upkeep_turns_and_sessions_answer() -> None:
    with Memory(":memory:", program="memgas") as memory:
        memory.add([Draft(line, session="chess") for line in ABOUT["chess"]])
        assert memory.search("Who moved the rook?")[0].cube.content == ABOUT["chess"][0]


def test_unknown_options_are_told() -> None:
    with pytest.raises(InvalidInput, match="paragraph"):
        methods.load("text.retrieve", "granularities", use=["paragraph"])
    with pytest.raises(InvalidInput, match="entropy"):
        methods.load("text.retrieve", "granularities", router="best")
