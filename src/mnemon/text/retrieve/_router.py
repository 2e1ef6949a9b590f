"""A router over granularities: the surer one is of its answer, the more it counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def weights(similarities: Sequence[np.ndarray], temperature: float) -> np.ndarray:
    """float64 [G], sum 1, for similarities float32 [U] of G granularities: by `certainty`, equal
    where none is sure of anything."""
    sure = np.asarray([certainty(one, temperature) for one in similarities])
    whole = float(sure.sum())
    return sure / whole if whole > 0 else np.full(len(sure), 1.0 / max(1, len(sure)))


def certainty(similarity: np.ndarray, temperature: float) -> float:
    """One less the Shannon entropy of a softmax over its maximum: 0 when all are alike, near 1
    when one stands out."""
    if len(similarity) < 2:
        return 0.0
    scaled = similarity.astype(np.float64) / temperature
    shares = np.exp(scaled - scaled.max())
    shares /= shares.sum()
    entropy = -float((shares * np.log(shares + 1e-12)).sum())
    return max(0.0, 1.0 - entropy / float(np.log(len(similarity))))
