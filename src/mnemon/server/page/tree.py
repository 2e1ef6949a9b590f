"""Namespaces as the tree that their paths make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Branch:
    """One path: cubes in it, and in it with everything below; `depth` counts from 0."""

    path: str
    name: str
    depth: int
    own: int
    total: int


def branches(found: Sequence[tuple[str, int]]) -> list[Branch]:
    """Every path and every path above one, parents first, the fullest first among sisters."""
    own = dict(found)
    totals: dict[str, int] = {}
    for path, count in found:
        for above in _upwards(path):
            totals[above] = totals.get(above, 0) + count

    def place(path: str) -> list[tuple[int, str]]:
        return [(-totals[above], above) for above in _upwards(path)]

    return [
        Branch(path, path.rpartition("/")[2], path.count("/"), own.get(path, 0), totals[path])
        for path in sorted(totals, key=place)
    ]


def _upwards(path: str) -> list[str]:
    """A path's own path and those above it, the top one first."""
    parts = path.split("/")
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]
