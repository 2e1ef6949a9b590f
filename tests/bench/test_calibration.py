from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon.bench.calibration import BINS, calibration

HITS = st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=40)


def test_the_error_is_the_one_worked_out_by_hand() -> None:
    found = calibration([(0.75, True), (0.75, True), (0.75, False), (0.75, True), (0.15, True)])
    assert found is not None
    assert found.error == pytest.approx((4 * 0.0 + 1 * 0.85) / 5)
    full = [one for one in found.bins if one.count]
    assert [(one.low, one.count, one.share) for one in full] == [(0.1, 1, 1.0), (0.7, 4, 0.75)]


@given(HITS)
def test_every_hit_is_in_one_bin(hits: list[tuple[float, bool]]) -> None:
    found = calibration(hits)
    assert found is not None and len(found.bins) == BINS
    assert sum(one.count for one in found.bins) == found.count == len(hits)
    assert 0.0 <= found.error <= 1.0


def test_a_certain_score_is_in_the_last_bin() -> None:
    found = calibration([(1.0, True)])
    assert found is not None
    assert (found.bins[-1].count, found.error) == (1, 0.0)


def test_what_is_no_probability_is_refused() -> None:
    assert calibration([]) is None
    with pytest.raises(ValueError, match="no probability"):
        calibration([(7.2, True)])
