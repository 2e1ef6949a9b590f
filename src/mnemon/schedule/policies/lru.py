"""LRU: what was not used for longest leaves.

The least recently used rule of paging: Belady 1966, "A study of replacement algorithms for a
virtual-storage computer", https://doi.org/10.1147/sj.52.0078. No known difference; in both tiers,
ties in the order of cubes. It knows neither sizes nor costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.schedule.on_demand import OnDemand
from mnemon.schedule.policies import Running
from mnemon.schedule.trace import Flags, Floats, Ints
from mnemon.schedule.view import View

__all__ = ["LRU"]


@dataclass(frozen=True)
class LRU:
    """No options."""

    def start(self, view: View) -> Running:
        """Begin with nothing kept."""
        return OnDemand(_Recency(len(view.bytes)), view)


class _Recency:
    def __init__(self, cubes: int) -> None:
        self._last = np.full(cubes, -1.0)

    def used(self, cubes: Ints, found: Ints, now: int) -> None:
        self._last[cubes] = now

    def worth(self, place: int, cubes: Ints, twice: Flags, now: int) -> Floats:
        return self._last[cubes]

    def left(self, cube: int, place: int) -> None:
        pass
