"""Scores against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from mnemon.bench import metrics
from mnemon.bench.record import Answer


def answer(*ranks: int | None, within: tuple[int, ...] = (0, 0, 0), case: str = "c") -> Answer:
    return Answer("q", case, "single-hop", ranks, within)


def test_recall_is_the_share_of_evidence_found() -> None:
    one = answer(1, 7, None, 20)
    assert [metrics.recall(one, k) for k in (1, 5, 10, 20, 50)] == [0.25, 0.25, 0.5, 0.75, 0.75]


def test_ndcg_by_hand() -> None:
    # gains at places 1 and 3; ideal: places 1 and 2
    by_hand = (1 + 1 / 2) / (1 + 1 / math.log2(3))
    assert metrics.ndcg(answer(1, 3), 10) == pytest.approx(by_hand)
    assert metrics.ndcg(answer(2, 1), 10) == 1.0
    assert metrics.ndcg(answer(11), 10) == 0.0


def test_the_best_order_of_many_is_one_though_only_ten_count() -> None:
    assert metrics.ndcg(answer(*range(1, 13)), 10) == pytest.approx(1.0)


def test_reciprocal_rank_is_of_the_first_found() -> None:
    assert metrics.reciprocal(answer(None, 4, 9)) == 0.25
    assert metrics.reciprocal(answer(None)) == 0.0


def test_summary_averages_over_questions() -> None:
    found = metrics.summary([answer(1, 7, within=(1, 2, 2)), answer(None, within=(0, 0, 1))])
    assert found["recall@5"] == 0.25
    assert found["recall@10"] == 0.5
    assert found["all@10"] == 0.5
    assert found["all@5"] == 0.0
    assert found["mrr"] == 0.5
    assert [found[f"recall@{t}t"] for t in (500, 1000, 2000)] == [0.25, 0.5, 1.0]


def test_interval_draws_conversations() -> None:
    answers = [answer(1, case="a"), answer(1, case="a"), answer(None, case="b")]
    low, high = metrics.interval(answers, lambda one: metrics.recall(one, 1), seed=0) or (9, 9)
    assert (low, high) == (0.0, 1.0)
    assert metrics.interval(answers[:2], metrics.reciprocal, seed=0) is None


def test_interval_repeats_under_its_seed() -> None:
    answers = [answer(place, case=str(place)) for place in range(1, 9)]
    first = metrics.interval(answers, metrics.reciprocal, seed=3)
    assert first == metrics.interval(answers, metrics.reciprocal, seed=3)
    assert first is not None and first[0] < metrics.summary(answers)["mrr"] < first[1]


def test_quantile_agrees_with_numpy() -> None:
    import numpy as np

    values = [3.0, 1.0, 4.0, 1.5, 9.0]
    for share in (0.0, 0.025, 0.5, 0.95, 1.0):
        assert metrics.quantile(values, share) == pytest.approx(float(np.quantile(values, share)))
