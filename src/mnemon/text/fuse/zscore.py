"""z-score fusion: each ranking's scores standardised, then a weighted sum (CombSUM).

Fox & Shaw 1994, "Combination of Multiple Searches", TREC-2 (NIST SP 500-215), CombSUM; Lee 1997,
"Analyses of Multiple Evidence Combination", SIGIR, https://doi.org/10.1145/258525.258587, on scores
made comparable first; standardised as in Montague & Aslam 2001, "Relevance Score Normalization for
Metasearch", CIKM, https://doi.org/10.1145/502585.502657 (zero mean, unit variance). What a ranking
does not have gets its lowest score. How ours differs: rankings have weights; one whose scores are
all the same gives what it has one deviation; the sum is put into [0, 1] between the last and the
first place everywhere, and multiplied by how near the best cube comes to a perfect match in any
channel, which changes no order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.text.query import Ranking
from mnemon.text.ranking import best, strength

__all__ = ["ZScore"]


@dataclass(frozen=True)
class ZScore:
    """No options."""

    def fuse(self, rankings: Sequence[Ranking], weights: Sequence[float]) -> Ranking:
        """One ranking of everything any of them found."""
        size = 1 + max((int(one.indices.max(initial=-1)) for one in rankings), default=-1)
        gained, known = np.zeros(size), np.zeros(size, dtype=bool)
        most = 0.0
        for ranking, weight in zip(rankings, weights, strict=True):
            if len(ranking.indices):
                standard = _standard(ranking.scores)
                gained[ranking.indices] += weight * standard
                known[ranking.indices] = True
                most += weight * float(standard.max())
        found = np.flatnonzero(known)
        share = gained.take(found) / most if most > 0.0 else np.ones(len(found))
        scores = np.minimum(share, 1.0) * max(map(strength, rankings))
        return best("zscore", found, scores.astype(np.float32), len(found))


def _standard(scores: np.ndarray) -> np.ndarray:
    """By how many deviations each is above the lowest: float64 [M]. What the ranking does not have
    counts as that, and so 0; the mean falls out of the differences."""
    values = scores.astype(np.float64)
    apart = values - values.sum() / len(values)
    deviation = math.sqrt(apart.dot(apart) / len(values))
    return (values - values.min()) / deviation if deviation >= 1e-6 else np.ones(len(values))
