"""LFU with history: what was used least often, ever, leaves.

The "perfect LFU" of Breslau et al. 1999, "Web caching and Zipf-like distributions: evidence and
implications", https://doi.org/10.1109/INFCOM.1999.749260: counts outlive eviction, which caches can
seldom afford; cubes have headers that count anyway. At equal counts the least recently used leaves.
No known difference. The best rule where use is independent of time; slow where topics drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.schedule.on_demand import OnDemand
from mnemon.schedule.policies import Running
from mnemon.schedule.trace import Flags, Floats, Ints
from mnemon.schedule.view import View

__all__ = ["LFUWithHistory"]


@dataclass(frozen=True)
class LFUWithHistory:
    """No options."""

    def start(self, view: View) -> Running:
        """Begin with nothing kept."""
        return OnDemand(_Frequency(len(view.bytes)), view)


class _Frequency:
    def __init__(self, cubes: int) -> None:
        self._count = np.zeros(cubes)
        self._last = np.zeros(cubes)

    def used(self, cubes: Ints, found: Ints, now: int) -> None:
        self._count[cubes] += 1
        self._last[cubes] = now

    def worth(self, place: int, cubes: Ints, twice: Flags, now: int) -> Floats:
        return self._count[cubes] + self._last[cubes] / (now + 1)

    def left(self, cube: int, place: int) -> None:
        pass
