"""GDSF: what has the least uses times cost by size, above an age that rises, leaves.

Greedy-Dual-Size with frequency. Cherkasova 1998, "Improving WWW proxies performance with
Greedy-Dual-Size-Frequency caching policy", HP Laboratories HPL-98-69R1,
https://www.hpl.hp.com/techreports/98/HPL-98-69R1.pdf: priority = L + uses × cost / size, and L
rises to the priority of what leaves. How ours differs: each tier has an L of its own; the cost is
the seconds that a use there saves; counts begin again when a cube is no longer kept anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.schedule.on_demand import OnDemand
from mnemon.schedule.policies import Running
from mnemon.schedule.trace import Flags, Floats, Ints
from mnemon.schedule.view import DISK, HOST, NOWHERE, View

__all__ = ["GDSF"]


@dataclass(frozen=True)
class GDSF:
    """No options."""

    def start(self, view: View) -> Running:
        """Begin with nothing kept."""
        return OnDemand(_GreedyDual(view), view)


class _GreedyDual:
    def __init__(self, view: View) -> None:
        self._count = np.zeros(len(view.bytes))
        self._age = {HOST: 0.0, DISK: 0.0}
        self._each = {
            HOST: (view.compute - view.from_host) / view.bytes,
            DISK: (view.compute - view.from_disk) / view.bytes,
        }
        self._priority = {place: np.zeros(len(view.bytes)) for place in self._age}

    def used(self, cubes: Ints, found: Ints, now: int) -> None:
        self._count[cubes] = np.where(found == NOWHERE, 1, self._count[cubes] + 1)
        for place, age in self._age.items():
            self._priority[place][cubes] = age + self._count[cubes] * self._each[place][cubes]

    def worth(self, place: int, cubes: Ints, twice: Flags, now: int) -> Floats:
        return self._priority[place][cubes]

    def left(self, cube: int, place: int) -> None:
        self._age[place] = max(self._age[place], float(self._priority[place][cube]))
