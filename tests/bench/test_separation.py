from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon.bench.separation import Scores, auroc, separation

LEVELS = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12)


@given(LEVELS, LEVELS)
def test_the_area_is_the_share_of_pairs_in_order_with_ties_half(
    answerable: list[float], never: list[float]
) -> None:
    pairs = [(a > b) + 0.5 * (a == b) for a in answerable for b in never]
    assert auroc(answerable, never) == pytest.approx(sum(pairs) / len(pairs))


def cases(*told: tuple[tuple[float, ...], tuple[float, ...]]) -> dict[str, Scores]:
    return {f"c{place}": Scores(*one) for place, one in enumerate(told)}


def test_scores_that_tell_everything_apart_make_no_mistake() -> None:
    found = separation(cases(*[((0.9, 0.8), (0.1, 0.2))] * 5), seed=0)
    assert found is not None and found.folds == 5
    assert (found.auroc, found.interval) == (1.0, (1.0, 1.0))
    assert (found.accuracy, found.balanced, found.false_alarms) == (1.0, 1.0, 0.0)


def test_equal_scores_are_a_guess() -> None:
    found = separation(cases(*[((0.5, 0.5, 0.5), (0.5,))] * 5), seed=0)
    assert found is not None
    assert (found.auroc, found.balanced, found.guess) == (0.5, 0.5, 0.75)


def test_a_threshold_never_comes_from_what_it_is_measured_on() -> None:
    # In each conversation a threshold of its own would be perfect; the other's is of no use.
    found = separation(cases(((9.0, 8.0), (7.0, 6.0)), ((4.0, 3.0), (2.0, 1.0))), seed=0)
    assert found is not None
    assert found.accuracy == 0.5
    assert found.false_alarms == 0.5  # all of one conversation pass, none of the other


def test_one_conversation_has_no_interval_and_no_threshold() -> None:
    found = separation(cases(((0.9, 0.3), (0.5,))), seed=0)
    assert found is not None
    assert (found.auroc, found.interval, found.accuracy, found.folds) == (0.5, None, None, 0)


@pytest.mark.parametrize("told", [((), (0.1,)), ((0.1,), ())])
def test_nothing_to_tell_apart(told: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    assert separation(cases(told, told), seed=0) is None
