"""The slot `schedule.decay`: what is left of a cube's strength after a time without use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from mnemon.cube import MemCube

_DAY = timedelta(days=1)


class Decay(Protocol):
    """A law of forgetting."""

    def strength(self, cube: MemCube, now: datetime) -> float:
        """In [0, 1], by the header alone: when it was recorded, how often and when last read."""
        ...


def idle(cube: MemCube, now: datetime) -> float:
    """Days since a cube was last read, or recorded if that is later or it never was; 0 or more."""
    since = max(cube.usage.last_read or cube.recorded_at, cube.recorded_at)
    return max(0.0, (now - since) / _DAY)


def age(cube: MemCube, now: datetime) -> float:
    """Days since a cube's version was recorded, or since its last reading if that is before; 0 or
    more."""
    since = min(cube.usage.last_read or cube.recorded_at, cube.recorded_at)
    return max(0.0, (now - since) / _DAY)
