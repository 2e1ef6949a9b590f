"""LFU: what was used least often since it is kept leaves.

The in-cache least frequently used rule, as Robinson and Devarakonda 1990 compare it in "Data cache
management using frequency-based replacement", https://doi.org/10.1145/98457.98523. Counts begin
again when a cube is no longer kept anywhere; at equal counts the least recently used leaves.
No known difference. It knows neither sizes nor costs. `lfu-with-history` never forgets a count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.schedule.on_demand import OnDemand
from mnemon.schedule.policies import Running
from mnemon.schedule.trace import Flags, Floats, Ints
from mnemon.schedule.view import NOWHERE, View

__all__ = ["LFU"]


@dataclass(frozen=True)
class LFU:
    """No options."""

    def start(self, view: View) -> Running:
        """Begin with nothing kept."""
        return OnDemand(_Frequency(len(view.bytes)), view)


class _Frequency:
    def __init__(self, cubes: int) -> None:
        self._count = np.zeros(cubes)
        self._last = np.zeros(cubes)

    def used(self, cubes: Ints, found: Ints, now: int) -> None:
        self._count[cubes] = np.where(found == NOWHERE, 1, self._count[cubes] + 1)
        self._last[cubes] = now

    def worth(self, place: int, cubes: Ints, twice: Flags, now: int) -> Floats:
        return self._count[cubes] + self._last[cubes] / (now + 1)

    def left(self, cube: int, place: int) -> None:
        pass
