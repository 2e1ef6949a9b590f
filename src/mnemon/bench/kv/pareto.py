"""Which lines are not beaten: no other holds as few bytes and knows as much."""

from __future__ import annotations

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Places of the points on the front, by rising cost.

    Args:
        points: (cost, gain): bytes held, lower is better; accuracy, higher is better.
    """
    order = sorted(range(len(points)), key=lambda place: (points[place][0], -points[place][1]))
    best, kept = float("-inf"), []
    for place in order:
        if points[place][1] > best:
            best = points[place][1]
            kept.append(place)
    return kept
