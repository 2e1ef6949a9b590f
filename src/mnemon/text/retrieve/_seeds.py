"""Seeds: the best that other channels found, from which a channel goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mnemon.errors import InvalidInput
from mnemon.text.query import Ranking


def seeds(
    rankings: Mapping[str, Ranking], channels: Sequence[str], most: int, channel: str
) -> tuple[np.ndarray, np.ndarray]:
    """(int32 [S] indices, best first; float32 [S] weights in (0, 1]) of the `most` best.

    A cube weighs the square of the mean, over `channels`, of its score by the best one's: what is
    half as good is seldom right.

    Raises:
        InvalidInput: none of `channels` ran before `channel`.
    """
    given = [rankings[name] for name in channels if name in rankings]
    if not given:
        raise InvalidInput(
            f"the channel {channel!r} starts from what {' or '.join(map(repr, channels))} found: "
            "put one of them before it in the program"
        )
    found = np.unique(np.concatenate([ranking.indices for ranking in given]))
    weights = np.zeros(len(found), dtype=np.float32)
    for ranking in given:
        if len(ranking.scores) and ranking.scores[0] > 0:
            near = np.maximum(ranking.scores / ranking.scores[0], 0.0)
            weights[np.searchsorted(found, ranking.indices)] += near / np.float32(len(given))
    order = np.argsort(-weights, kind="stable")[:most]
    kept = order[weights[order] > 0]
    return found[kept].astype(np.int32), weights[kept] ** 2
