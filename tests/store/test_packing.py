"""Vectors as bytes and back."""

from __future__ import annotations

import numpy as np
import pytest

from mnemon.errors import EmbedderError
from mnemon.store.packing import pack, unpack


def test_unpacking_gives_what_was_packed_within_half_a_step():
    matrix = np.random.default_rng(0).normal(size=(50, 17)).astype(np.float32)
    back = unpack(pack(matrix), 17)
    steps = np.abs(matrix).max(axis=1, keepdims=True) / 127
    assert (np.abs(back - matrix) <= steps * 0.501).all()
    assert back.dtype == np.float32


def test_zeros_stay_zeros_and_nothing_stays_nothing():
    assert unpack(pack(np.zeros((2, 3))), 3).tolist() == [[0, 0, 0]] * 2
    assert unpack(pack(np.zeros((0, 3))), 3).shape == (0, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(EmbedderError):
        pack(np.array([[1.0, bad]]))
