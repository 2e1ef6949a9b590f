from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon.bench.weights.stability import stability


def test_the_lowest_accuracy_since_a_batch_was_learnt_counts() -> None:
    curve = [[0.2, 0], [1, 0], [0.4, 0.5], [0.8, 1]]
    found = stability(curve, [1, 3])
    assert found.acc == pytest.approx(0.9)
    assert found.min_acc == pytest.approx(0.4)
    assert found.wc_acc == pytest.approx(1 / 2 + 0.4 / 2)
    assert found.gaps == ((1, 0.4, 0.8),)


def test_each_gap_is_of_all_earlier_batches() -> None:
    curve = [[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 1]]
    assert stability(curve, [0, 1, 3]).gaps == ((1, 0, 0), (0.5, 0, 1))


_share = st.floats(0, 1)


@given(st.lists(st.tuples(_share, _share, _share), min_size=6, max_size=12))
def test_the_worst_case_is_never_better_than_the_end(curve) -> None:
    found = stability(curve, [0, 2, len(curve) - 1])
    assert 0 <= found.min_acc <= 1 and found.wc_acc <= found.acc + 1e-9
    assert all(low <= min(before, after) or low <= after for before, low, after in found.gaps)
