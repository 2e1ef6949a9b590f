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
    if len(left) == 1:  # to BLAS a vector, whose limit is another one
        only: np.ndarray = stacked(left[None], right)[0]
        return only
    rows = rows_alone(right.size) if right.shape[1] > 1 else rows_with_vector(len(right))
    if len(left) <= rows:
        whole: np.ndarray = left @ right
        return whole
    found = np.empty((len(left), right.shape[1]), dtype=np.float32)
    for start in range(0, len(left), rows):
        found[start : start + rows] = multiplied(left[start : start + rows], right)
    return found


def with_vector(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """matrix float32 [N, K] @ vector float32 [K], some rows at a time.

    Threads gain little here, and on a busy machine waiting for them costs more than the whole
    product (8 ms against 0.3 ms at 10,000 rows of 256).
    """
    rows = rows_with_vector(matrix.shape[1])
    found = np.empty(len(matrix), dtype=np.float32)
    for start in range(0, len(matrix), rows):
        np.dot(matrix[start : start + rows], vector, out=found[start : start + rows])
    return found


def filled(rows: np.ndarray) -> np.ndarray:
    """Indices int [M] of a matrix's rows with some zeros behind them, up to a whole number of those
    that the kernel takes together: `with_vector` then gives each row the same bits wherever it
    stands and whatever stands beside it."""
    return np.append(rows, np.zeros(-len(rows) % _AT_ONCE, dtype=rows.dtype))


def stacked(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left float32 [N, T, K] @ right float32 [K, M], some columns at a time.

    These are N products of the same shape: each has the same bits whatever stands beside it.
    """
    some, count, width = left.shape
    limit, tile = (ALONE, _TILE) if count > 1 else (_WITH_A_VECTOR, 1)
    columns = max(tile, limit // (count * width) // tile * tile)
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
