"""Reciprocal-rank fusion: a cube scores the sum over rankings of weight / (k + rank).

Cormack, Clarke & Büttcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
Learning Methods", SIGIR, https://doi.org/10.1145/1571941.1572114. How ours differs: rankings
have weights; the sum is divided by what first place everywhere would give, so that it lies in
[0, 1]; and it is multiplied by how near the best cube comes to a perfect match in any channel,
since ranks alone call the best of nothing perfect. Neither changes the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.text.query import Ranking
from mnemon.text.ranking import best, strength

__all__ = ["RRF"]


@dataclass(frozen=True)
class RRF:
    """Option `k` (the paper's 60): how fast the value of a rank falls off."""

    k: float = 60.0

    def fuse(self, rankings: Sequence[Ranking], weights: Sequence[float]) -> Ranking:
        """One ranking of everything any of them found."""
        found = np.unique(np.concatenate([ranking.indices for ranking in rankings]))
        scores = np.zeros(len(found), dtype=np.float32)
        for ranking, weight in zip(rankings, weights, strict=True):
            ranks = np.arange(1, len(ranking.indices) + 1, dtype=np.float32)
            scores[np.searchsorted(found, ranking.indices)] += weight / (self.k + ranks)
        scores *= (self.k + 1.0) / sum(weights) * max(map(strength, rankings))
        return best("rrf", found, scores, len(found))
