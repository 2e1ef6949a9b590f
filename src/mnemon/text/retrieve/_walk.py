"""Personalised PageRank by power iteration."""

from __future__ import annotations

import numpy as np

_ROUNDS = 30
_CHANGE = 1e-9


def walk(reset: np.ndarray, ends: np.ndarray, damping: float, doors: int = 1) -> np.ndarray:
    """How often a walker comes by, float64 [U], who starts by `reset` [U] (sum 1) and with
    probability `damping` goes on along an edge instead of stopping.

    `ends` int [E, 2]: undirected edges, none twice. A place has at least `doors` doors, and he
    stops before one that no edge leaves by: so a place with few edges does not send all it has to
    whatever they lead to. Haveliwala 2002, "Topic-sensitive PageRank",
    https://doi.org/10.1145/511446.511513, has only the doors that edges leave by.
    """
    start, end = np.concatenate([ends, ends[:, ::-1]]).T
    ways = np.maximum(np.bincount(start, minlength=len(reset)), doors)
    place = reset
    for _ in range(_ROUNDS):
        reached = np.bincount(end, (place / ways)[start], minlength=len(reset))
        moved = (1.0 - damping) * reset + damping * reached
        if np.abs(moved - place).sum() < _CHANGE:
            return moved
        place = moved
    return place
