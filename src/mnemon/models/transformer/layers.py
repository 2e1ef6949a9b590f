"""Layers: attention and what follows it, as BERT has them.

Vaswani et al. 2017, "Attention Is All You Need", https://arxiv.org/abs/1706.03762, with the order
of Devlin et al. 2018, https://arxiv.org/abs/1810.04805: a sum is normalised after each half. How
many threads a product takes is for numpy's BLAS to say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Linear = tuple[np.ndarray, np.ndarray]
"""A matrix float32 [in, out] and a bias [out]."""
Norm = tuple[np.ndarray, np.ndarray]
"""A scale and a shift float32 [D]."""

# Abramowitz and Stegun 1964, "Handbook of Mathematical Functions", 7.1.26: the error function.
_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
_ERF_SLOPE = 0.3275911


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer; `asks` makes queries, keys and values side by side."""

    asks: Linear
    told: Linear
    told_norm: Norm
    up: Linear
    down: Linear
    norm: Norm

    def outputs(
        self, values: np.ndarray, heads: int, bias: np.ndarray | None, smallest: float
    ) -> np.ndarray:
        """float32 [N, T, D] of [N, T, D]; `bias` [heads, T, T] is added to what attention says."""
        told = values + _linear(_attended(_linear(values, self.asks), heads, bias), self.told)
        told = normalised(told, self.told_norm, smallest)
        inner = _linear(gelu(_linear(told, self.up)), self.down)
        return normalised(told + inner, self.norm, smallest)


def normalised(values: np.ndarray, norm: Norm, smallest: float) -> np.ndarray:
    """Layer normalisation (Ba et al. 2016, https://arxiv.org/abs/1607.06450) of [N, T, D]."""
    values = values - values.mean(axis=-1, keepdims=True)
    spread = np.einsum("ntd,ntd->nt", values, values) / values.shape[-1]
    values /= np.sqrt(spread + smallest)[..., None]
    found: np.ndarray = values * norm[0] + norm[1]
    return found


def gelu(values: np.ndarray) -> np.ndarray:
    """x Φ(x), Φ by the error function (Hendrycks & Gimpel 2016, https://arxiv.org/abs/1606.08415),
    in place."""
    size = np.abs(values) * np.float32(math.sqrt(0.5))
    place = np.float32(1.0) / (np.float32(1.0) + np.float32(_ERF_SLOPE) * size)
    told = np.full_like(place, _ERF[-1])
    for one in reversed(_ERF[:-1]):
        told *= place
        told += np.float32(one)
    told *= place
    told *= np.exp(-np.square(size, out=size))  # 1 - erf(|x| / sqrt(2))
    values *= np.where(values > 0.0, np.float32(2.0) - told, told)
    values *= np.float32(0.5)
    return values


def _linear(values: np.ndarray, by: Linear) -> np.ndarray:
    found: np.ndarray = values @ by[0]
    found += by[1]
    return found


def _attended(asks: np.ndarray, heads: int, bias: np.ndarray | None) -> np.ndarray:
    """[N, T, D] of queries, keys and values [N, T, 3D]."""
    count, length, _ = asks.shape
    query, key, value = asks.reshape(count, length, 3, heads, -1).transpose(2, 0, 3, 1, 4)
    scores = query @ key.swapaxes(-1, -2)
    scores /= np.float32(math.sqrt(query.shape[-1]))
    if bias is not None:
        scores += bias
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    mixed = (scores @ value).transpose(0, 2, 1, 3)
    found: np.ndarray = mixed.reshape(count, length, -1)
    return found
