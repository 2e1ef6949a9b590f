"""Products of matrices that BLAS computes in the thread that asks for them.

From some size on OpenBLAS splits a product over threads, which wait for each other spinning: beside
other programs that took 2 ms where the product takes 0.02. How many threads there are is the
program's to say, not a library's; so ours are cut into blocks below that size.
"""

from __future__ import annotations

import numpy as np

ALONE = 2**18
"""Multiplications of two matrices up to which OpenBLAS stays in one thread (`interface/gemm.c`)."""

_AT_ONCE = 4  # rows that its kernels take together
_TILE = 16  # columns that they take together
_WITH_A_VECTOR = 2**17 if int(np.__version__.partition(".")[0]) > 1 else 9000
"""The same of a matrix and a vector (`interface/gemv.c`), in numpy 2 and in numpy 1.

With 2 it could be more, but a block is to stay in the processor's cache."""


def multiplied(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left float32 [N, K] @ right float32 [K, M], some rows at a time."""
    rows = rows_alone(right.size)
    if len(left) <= rows:
        whole: np.ndarray = left @ right
        return whole
    found = np.empty((len(left), right.shape[1]), dtype=np.float32)
    for start in range(0, len(left), rows):
        np.matmul(left[start : start + rows], right, out=found[start : start + rows])
    return found


def stacked(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left float32 [N, T, K] @ right float32 [K, M], some columns at a time.

    These are N products of the same shape: each has the same bits whatever stands beside it.
    """
    some, count, width = left.shape
    limit = ALONE if count > 1 else _WITH_A_VECTOR
    columns = max(_TILE, limit // (count * width) // _TILE * _TILE)
    if columns >= right.shape[1]:
        whole: np.ndarray = left @ right
        return whole
    found = np.empty((some, count, right.shape[1]), dtype=np.float32)
    for start in range(0, right.shape[1], columns):
        part = slice(start, start + columns)
        np.matmul(left, right[:, part], out=found[..., part])
    return found


def rows_alone(size: int) -> int:
    """So many rows may be multiplied at once with a matrix of `size` elements; at least one."""
    return _rounded(ALONE // max(1, size))


def rows_with_vector(width: int) -> int:
    """So many rows of `width` elements may be multiplied at once with a vector; at least one."""
    return _rounded(_WITH_A_VECTOR // max(1, width))


def _rounded(rows: int) -> int:
    return max(1, rows - rows % _AT_ONCE if rows >= _AT_ONCE else rows)
