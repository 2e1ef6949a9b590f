"""Best-first selections, shared by channels and fusions."""

from __future__ import annotations

import numpy as np

from mnemon.text.query import Ranking


def best(
    channel: str, found: np.ndarray, scores: np.ndarray, most: int, ceiling: float = 1.0
) -> Ranking:
    """The `most` highest of `found` int [M] by `scores` float32 [M]; ties in recording order."""
    if len(found) > most:
        kept = np.argpartition(-scores, most - 1)[:most]
        kept.sort()
        found, scores = found[kept], scores[kept]
    order = np.argsort(-scores, kind="stable")
    return Ranking(channel, found[order].astype(np.int32), scores[order], ceiling)
