"""Best-first selections, shared by channels and fusions."""

from __future__ import annotations

import numpy as np

from mnemon.text.query import Ranking, Why


def best(
    channel: str,
    found: np.ndarray,
    scores: np.ndarray,
    most: int,
    ceiling: float = 1.0,
    why: Why | None = None,
) -> Ranking:
    """The `most` highest of `found` int [M] by `scores` float32 [M]; ties in recording order."""
    if len(found) > most:
        kept = np.argpartition(-scores, most - 1)[:most]
        kept.sort()
        found, scores = found.take(kept), scores.take(kept)
    order = np.argsort(-scores, kind="stable")
    return Ranking(channel, found.take(order).astype(np.int32), scores.take(order), ceiling, why)


def nothing(channel: str) -> Ranking:
    """The answer of a channel that has no evidence."""
    return Ranking(channel, np.zeros(0, np.int32), np.zeros(0, np.float32))


def strength(ranking: Ranking) -> float:
    """How near the best of a ranking comes to a perfect match, in [0, 1]."""
    if not len(ranking.scores) or ranking.ceiling <= 0:
        return 0.0
    return min(1.0, max(0.0, float(ranking.scores[0]) / ranking.ceiling))
