"""Buckets: how far apart two word-pieces stand, near ones exactly and far ones roughly.

Raffel et al. 2020, "Exploring the Limits of Transfer Learning", https://arxiv.org/abs/1910.10683,
section 2.1, as MPNet has them (Song et al. 2020, https://arxiv.org/abs/2004.09297): half of the
buckets are for pieces behind, half for those before; a quarter of all is for distances below it,
the rest grows in logarithms up to 128.
"""

from __future__ import annotations

import math

import numpy as np

_FARTHEST = 128


def between(told: np.ndarray, length: int) -> np.ndarray:
    """What `told` float32 [B, H] says of each two of some pieces: float32 [H, length, length]."""
    places = np.arange(length)
    which = buckets(places[None] - places[:, None], len(told))
    found: np.ndarray = told[which].transpose(2, 0, 1)
    return found


def buckets(distances: np.ndarray, count: int) -> np.ndarray:
    """The bucket of `count`, int, of each distance; positive ones are of pieces behind."""
    half, exact = count // 2, count // 4
    away = np.abs(distances)
    growth = np.log(np.maximum(away, 1) / exact) / math.log(_FARTHEST / exact)
    far = np.minimum(exact + (growth * (half - exact)).astype(int), half - 1)
    found: np.ndarray = np.where(distances > 0, half, 0) + np.where(away < exact, away, far)
    return found
