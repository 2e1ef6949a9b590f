"""Calibration: whether hits with a score of .7 hold evidence in 70 of 100 cases.

Expected calibration error: bins of equal width, the distance between mean score and share that
holds evidence, weighted by how many hits a bin has (Naeini et al. 2015,
https://doi.org/10.1609/aaai.v29i1.9602). 0 is best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.bench import metrics

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Hits with scores in [low, high): how many, their mean score, the share that holds evidence.

    The last bin has its upper end too; an empty one has None for both.
    """

    low: float
    high: float
    count: int
    score: float | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of hits: expected calibration error in [0, 1], lower is better, and its bins."""

    count: int
    error: float
    bins: tuple[Bin, ...]


def calibration(hits: Sequence[tuple[float, bool]], bins: int = BINS) -> Calibration | None:
    """Of (score in [0, 1], holds evidence); None for no hit.

    Raises:
        ValueError: a score outside [0, 1] is no probability.
    """
    if not hits:
        return None
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for score, holds in hits:
        if not 0.0 <= score <= 1.0:
            raise ValueError(f"a score of {score} is no probability: it must lie in [0, 1]")
        groups[min(int(score * bins), bins - 1)].append((score, holds))
    told = tuple(_bin(place, bins, group) for place, group in enumerate(groups))
    wrong = sum(one.count * _gap(one) for one in told)
    return Calibration(len(hits), wrong / len(hits), told)


def _bin(place: int, bins: int, group: Sequence[tuple[float, bool]]) -> Bin:
    score = metrics.mean(score for score, _ in group) if group else None
    share = metrics.mean(float(holds) for _, holds in group) if group else None
    return Bin(place / bins, (place + 1) / bins, len(group), score, share)


def _gap(one: Bin) -> float:
    return 0.0 if one.score is None or one.share is None else abs(one.score - one.share)
