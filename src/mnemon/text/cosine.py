"""Similarities of one vector with many."""

from __future__ import annotations

import numpy as np

from mnemon.blas import rows_with_vector


def cosines(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Inner products float32 [N] of unit rows [N, D] with a unit vector [D].

    In blocks small enough that BLAS stays in this thread: its threads gain little here, and on a
    busy machine waiting for them costs more than the whole product (8 ms against 0.3 ms at 10,000
    rows of 256).
    """
    rows = rows_with_vector(matrix.shape[1])
    result = np.empty(len(matrix), dtype=np.float32)
    for start in range(0, len(matrix), rows):
        np.dot(matrix[start : start + rows], vector, out=result[start : start + rows])
    return result
