"""Conversations: the stretches of talk that a record can be made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from mnemon.cube import MemCube

GAP = timedelta(minutes=30)
"""What was said without a session belongs together up to this far apart, as in a search."""


def conversations(cubes: Sequence[MemCube], most: int) -> list[list[MemCube]]:
    """Turns grouped by session, in the order of time; a long session in parts of `most` turns.

    Notes that nobody said in no session belong to no conversation. What may be read by different
    people is never in one group.
    """
    groups: dict[tuple[object, ...], list[MemCube]] = {}
    for cube in sorted(cubes, key=lambda cube: (cube.valid_from, cube.recorded_at, cube.id)):
        if cube.session is not None or cube.speaker is not None:
            groups.setdefault((cube.session, cube.policy.readers), []).append(cube)
    talks = [
        talk
        for (session, _), group in groups.items()
        for talk in ([group] if session is not None else _apart(group))
    ]
    return [talk[start : start + most] for talk in talks for start in range(0, len(talk), most)]


def _apart(cubes: Sequence[MemCube]) -> list[list[MemCube]]:
    talks: list[list[MemCube]] = []
    for cube in cubes:
        if talks and cube.valid_from - talks[-1][-1].valid_from <= GAP:
            talks[-1].append(cube)
        else:
            talks.append([cube])
    return talks
