"""Similarities of one vector with many."""

from __future__ import annotations

import numpy as np

from mnemon.blas import with_vector


def cosines(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Inner products float32 [N] of unit rows [N, D] with a unit vector [D]."""
    return with_vector(matrix, vector)
