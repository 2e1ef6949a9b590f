"""Whole shares: exact sums, caps and floors kept, proportion as near as whole numbers allow."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon.kv.apportion import apportion, mass

weights = st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=12)


@settings(deadline=None)
@given(weights, st.integers(0, 500), st.integers(0, 60), st.integers(0, 5))
def test_shares_sum_exactly_within_caps_and_above_floors(
    given_weights: list[float], total: int, cap: int, floor: int
) -> None:
    found = apportion(torch.tensor(given_weights), total, cap, floor)
    assert int(found.sum()) == min(total, cap * len(given_weights))
    assert bool(((found >= 0) & (found <= cap)).all())
    if min(floor, cap) * len(given_weights) <= total:
        assert int(found.min()) >= min(floor, cap)
    assert torch.equal(found, apportion(torch.tensor(given_weights), total, cap, floor))


@settings(deadline=None, max_examples=40)
@given(weights.filter(lambda row: sum(row) > 1e-3), st.integers(0, 10_000))
def test_without_caps_each_share_is_its_quota_rounded(row: list[float], total: int) -> None:
    exact = torch.tensor(row, dtype=torch.float64)
    exact = exact / exact.sum() * total
    found = apportion(torch.tensor(row, dtype=torch.float64), total, total)
    assert bool(((found - exact).abs() < 1 + 1e-6).all())


def test_what_a_full_share_leaves_goes_to_the_others_in_proportion() -> None:
    assert apportion(torch.tensor([8.0, 2.0, 1.0]), 22, 10).tolist() == [10, 8, 4]


def test_equal_remainders_go_to_the_earlier() -> None:
    assert apportion(torch.ones(4), 6, 10).tolist() == [2, 2, 1, 1]


def test_rows_and_caps_of_their_own() -> None:
    cap = torch.tensor([[1, 9, 9], [9, 9, 0]])
    found = apportion(torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), 7, cap)
    assert found.tolist() == [[1, 6, 0], [4, 3, 0]]


def test_mass_is_a_share_of_what_is_there() -> None:
    scores = torch.tensor([[[float("inf"), -1.0, 1.0, 3.0, float("-inf")]]])
    assert mass(scores).tolist() == [[[0.0, 0.0, 2 / 6, 4 / 6, 0.0]]]
