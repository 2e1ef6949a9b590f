"""Stretches: turns in the order of time, so many at a time."""

from __future__ import annotations

from collections.abc import Sequence

from mnemon.cube import MemCube


def stretches(cubes: Sequence[MemCube], every: int) -> list[list[MemCube]]:
    """What the same people may read, in the order of time, cut after each `every` cubes.

    A new turn at the end changes the last stretch only; one put in before changes all after it.
    """
    groups: dict[tuple[str, ...], list[MemCube]] = {}
    for cube in sorted(cubes, key=lambda cube: (cube.valid_from, cube.recorded_at, cube.id)):
        groups.setdefault(cube.policy.readers, []).append(cube)
    return [
        group[start : start + every]
        for group in groups.values()
        for start in range(0, len(group), every)
    ]
