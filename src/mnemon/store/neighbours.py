"""Who stands next to whom in a conversation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

GAP = 30 * 60 * 1_000_000
"""Turns without a session belong together up to this many microseconds apart (half an hour)."""


def neighbours(
    columns: Mapping[str, np.ndarray], alive: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(before, after): int32 [N+1] each, the neighbour's index, or N where there is none.

    Neighbours share namespace and session and follow each other in time. Cubes without a session
    are neighbours when someone said them within GAP of each other; notes and facts have none.
    """
    total = len(alive)
    before = np.full(total + 1, total, dtype=np.int32)
    after = np.full(total + 1, total, dtype=np.int32)
    talking = alive & ((columns["session"] >= 0) | (columns["speaker"] >= 0))
    chosen = np.flatnonzero(talking)
    if len(chosen) < 2:
        return before, after
    place, session, when = (columns[n][chosen] for n in ("namespace", "session", "valid_from"))
    order = np.lexsort((chosen, when, session, place))
    left, right = order[:-1], order[1:]
    together = (place[left] == place[right]) & (session[left] == session[right])
    together &= (session[left] >= 0) | (when[right] - when[left] <= GAP)
    before[chosen[right[together]]] = chosen[left[together]]
    after[chosen[left[together]]] = chosen[right[together]]
    return before, after
