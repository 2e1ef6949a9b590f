"""Which conversation each version of a view is part of."""

from __future__ import annotations

import numpy as np

from mnemon.store.view import View


def first_turns(view: View) -> np.ndarray:
    """For each version the first turn of its conversation, int32 [N]; itself where it has none."""
    total = len(view.rows)
    itself = np.arange(total + 1, dtype=np.int32)
    first = np.where(view.before < total, view.before, itself)
    while True:  # each round doubles the steps taken
        further = first[first]
        if (further == first).all():
            result: np.ndarray = first[:total]
            return result
        first = further
