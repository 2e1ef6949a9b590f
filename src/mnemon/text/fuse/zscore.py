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
        found = np.unique(np.concatenate([ranking.indices for ranking in rankings]))
        total = np.zeros(len(found), dtype=np.float64)
        low = high = 0.0
        for ranking, weight in zip(rankings, weights, strict=True):
            if len(ranking.indices):
                standard, missing = _standard(ranking.scores)
                total += weight * missing
                total[np.searchsorted(found, ranking.indices)] += weight * (standard - missing)
                low += weight * missing
                high += weight * float(standard.max())
        share = (total - low) / (high - low) if high > low else np.ones_like(total)
        scores = np.clip(share, 0.0, 1.0) * max(map(strength, rankings))
        return best("zscore", found, scores.astype(np.float32), len(found))


def _standard(scores: np.ndarray) -> tuple[np.ndarray, float]:
    """(deviations from the mean float64 [M], that of what is missing)."""
    deviation = float(scores.std(dtype=np.float64))
    if deviation < 1e-6:
        return np.ones(len(scores)), 0.0
    standard = (scores - scores.mean(dtype=np.float64)) / deviation
    return standard, float(standard.min())
