"""Two Gaussians fitted to each row of numbers: which of them belong to the upper one."""

from __future__ import annotations

import numpy as np

_ROUNDS = 30
_FLOOR = 1e-6  # of a variance, as in scikit-learn


def upper(values: np.ndarray) -> np.ndarray:
    """bool [R, C]: which of each row of `values` [R, C] rather come from the upper Gaussian.

    Expectation maximisation (Dempster, Laird & Rubin 1977), each row for itself, begun by cutting
    the row at its mean. A row that does not vary has no upper part.
    """
    values = values.astype(np.float64)
    if values.size == 0:
        return np.zeros(values.shape, dtype=bool)
    above = values > values.mean(axis=1, keepdims=True)
    share = above.astype(np.float64)
    for _ in range(_ROUNDS):
        share = _responsible(values, share)
    # Where the lower one is the wider, its far tail would be given to the upper.
    found: np.ndarray = (share > 0.5) & (values >= _mean(values, 1.0 - share)[:, None])
    found &= above.any(axis=1, keepdims=True)
    return found


def _responsible(values: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The upper Gaussian's share [R, C] in each value, after fitting both to the present shares."""
    low, high = _logarithm(values, 1.0 - share), _logarithm(values, share)
    result: np.ndarray = 1.0 / (1.0 + np.exp(np.clip(low - high, -50.0, 50.0)))
    return result


def _logarithm(values: np.ndarray, share: np.ndarray) -> np.ndarray:
    weight = np.maximum(share.sum(axis=1), 1e-9)
    away = values - _mean(values, share)[:, None]
    variance = (share * away**2).sum(axis=1) / weight + _FLOOR
    result: np.ndarray = (
        np.log(weight)[:, None]
        - 0.5 * np.log(variance)[:, None]
        - 0.5 * away**2 / variance[:, None]
    )
    return result


def _mean(values: np.ndarray, share: np.ndarray) -> np.ndarray:
    mean: np.ndarray = (share * values).sum(axis=1) / np.maximum(share.sum(axis=1), 1e-9)
    return mean
