from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon.bench.kv.intervals import wilson
from mnemon.bench.kv.pareto import front


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_an_interval_holds_its_share_and_lies_in_zero_to_one(count: int, part: float) -> None:
    right = round(part * count)
    low, high = wilson(right, count)
    assert 0 <= low <= right / count <= high <= 1
    assert high - low > 0


@given(st.integers(1, 1000), st.floats(0, 1))
def test_intervals_mirror_each_other_and_shrink_with_more_answers(count: int, part: float) -> None:
    right = round(part * count)
    low, high = wilson(right, count)
    other = wilson(count - right, count)
    assert other == pytest.approx((1 - high, 1 - low))
    more = wilson(4 * right, 4 * count)
    assert more[1] - more[0] < high - low


def test_an_interval_is_the_published_one() -> None:
    # R: binom::binom.wilson(1, 10)
    assert wilson(1, 10) == pytest.approx((0.01787621, 0.40415002), abs=1e-7)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1))
def test_nothing_beats_the_front_and_something_beats_the_rest(
    points: list[tuple[float, float]],
) -> None:
    kept = front(points)
    for place, (cost, gain) in enumerate(points):
        better = [c <= cost and g >= gain and (c, g) != (cost, gain) for c, g in points]
        if place in kept:
            assert not any(better)
        else:
            on_front = [points[one] for one in kept]
            assert any(c <= cost and g >= gain for c, g in on_front)
