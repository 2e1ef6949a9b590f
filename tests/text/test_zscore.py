"""z-score fusion: agreement wins, and what one ranking lacks counts as its least."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mnemon import methods
from mnemon.text.query import Ranking

FUSE = methods.load("text.fuse", "zscore").fuse


def ranking(*scores: tuple[int, float], ceiling: float = 1.0) -> Ranking:
    order = sorted(scores, key=lambda one: -one[1])
    indices = np.asarray([index for index, _ in order], dtype=np.int32)
    return Ranking("one", indices, np.asarray([s for _, s in order], dtype=np.float32), ceiling)


def test_a_clear_lead_counts_more_than_a_near_tie() -> None:
    close = ranking((1, 0.91), (2, 0.90), (3, 0.10))
    clear = ranking((2, 0.90), (1, 0.30), (3, 0.10))
    assert FUSE([close, clear], [1.0, 1.0]).indices.tolist() == [2, 1, 3]


def test_what_is_missing_has_the_rankings_lowest_score() -> None:
    first = ranking((1, 3.0), (2, 2.0), (3, 1.0))
    second = ranking((2, 3.0), (3, 1.0))
    fused = FUSE([first, second], [1.0, 1.0])
    assert fused.indices.tolist() == [2, 1, 3]
    assert fused.scores[2] == 0.0


def test_a_ranking_of_equals_still_tells_which_it_found() -> None:
    first = ranking((1, 2.0), (2, 2.0), (3, 1.0))
    assert FUSE([first, ranking((2, 5.0))], [1.0, 0.5]).indices[0] == 2


def test_an_empty_ranking_changes_nothing() -> None:
    first = ranking((1, 2.0), (2, 1.5), (3, 1.0))
    alone, with_it = FUSE([first], [1.0]), FUSE([first, ranking()], [1.0, 1.0])
    assert alone.indices.tolist() == with_it.indices.tolist()
    assert len(FUSE([ranking(), ranking()], [1.0, 1.0]).indices) == 0


def test_a_weak_best_keeps_scores_low_and_a_prior_lends_no_strength() -> None:
    weak = ranking((1, 0.2), (2, 0.1))
    assert FUSE([weak], [1.0]).scores[0] == np.float32(0.2)
    prior = ranking((2, 9.0), (1, 8.0), ceiling=np.inf)
    assert FUSE([weak, prior], [1.0, 0.1]).scores.max() <= np.float32(0.2)


SCORED = st.dictionaries(st.integers(0, 30), st.floats(0, 9, width=32), max_size=20)


@given(st.lists(SCORED, min_size=1, max_size=4), st.floats(0.1, 5))
def test_scores_lie_in_zero_to_one_and_scale_does_not_matter(
    told: list[dict[int, float]], factor: float
) -> None:
    rankings = [ranking(*one.items(), ceiling=9.0) for one in told]
    fused = FUSE(rankings, [1.0] * len(rankings))
    assert sorted(fused.indices.tolist()) == sorted({index for one in told for index in one})
    assert ((fused.scores >= 0) & (fused.scores <= 1)).all()
    assert (np.diff(fused.scores) <= 0).all()
    weighted = FUSE(rankings, [factor] * len(rankings))
    np.testing.assert_allclose(np.sort(weighted.scores), np.sort(fused.scores), atol=1e-5)
