"""S3-FIFO: what comes in is on trial in a small queue; what is used meanwhile goes to a main one.

Three first-in-first-out queues: small, main, and a ghost that only remembers what left the small
one. Yang et al. 2023, "FIFO queues are all you need for cache eviction",
https://doi.org/10.1145/3600006.3613147; official code (libCacheSim, GPL-3.0, `S3FIFO.c`): not used.
HOW OURS DIFFERS: queues are measured in bytes, as the ghost is (as much as main may hold); each
tier has its own three; what comes to disk has left the host. It knows no costs, and of sizes only
how full a queue is.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from mnemon.schedule.on_demand import OnDemand
from mnemon.schedule.policies import Running
from mnemon.schedule.trace import Flags, Floats, Ints
from mnemon.schedule.view import DISK, HOST, View

__all__ = ["S3FIFO"]

_MOST = 3
"""Uses that are counted, two bits."""


@dataclass(frozen=True)
class S3FIFO:
    """Options.

    Attributes:
        small: the share of a tier that the small queue may hold.
    """

    small: float = 0.1

    def start(self, view: View) -> Running:
        """Begin with nothing kept."""
        return OnDemand(_Tiers(self, view), view)


class _Tiers:
    def __init__(self, told: S3FIFO, view: View) -> None:
        self._in = {
            HOST: _Queues(view.bytes, view.host_bytes, told.small),
            DISK: _Queues(view.bytes, view.disk_bytes, told.small),
        }

    def used(self, cubes: Ints, found: Ints, now: int) -> None:
        for cube, place in zip(cubes.tolist(), found.tolist(), strict=True):
            if place in self._in:
                self._in[place].hit(cube)
            if place != HOST:
                self._in[HOST].come(cube)

    def worth(self, place: int, cubes: Ints, twice: Flags, now: int) -> Floats:
        gone = self._in[place].leaving(set(cubes.tolist()))
        ranks = {cube: rank for rank, cube in enumerate(gone)}
        return np.array([ranks.get(cube, len(gone)) for cube in cubes.tolist()], np.float64)

    def left(self, cube: int, place: int) -> None:
        if place == HOST:
            self._in[DISK].come(cube)


class _Queues:
    """Of one tier. What it thinks is there may not be: what is gone is passed over."""

    def __init__(self, sizes: Floats, budget: float, share: float) -> None:
        self._sizes, self._budget, self._share = sizes.tolist(), budget, share
        self._small: OrderedDict[int, int] = OrderedDict()
        self._main: OrderedDict[int, int] = OrderedDict()
        self._ghost: OrderedDict[int, None] = OrderedDict()
        self._held = self._remembered = 0.0

    def hit(self, cube: int) -> None:
        """It was used where it lies."""
        for queue in (self._small, self._main):
            if cube in queue:
                queue[cube] = min(_MOST, queue[cube] + 1)

    def come(self, cube: int) -> None:
        """It is there now, if it was not."""
        if cube in self._small or cube in self._main:
            return
        if cube in self._ghost:
            del self._ghost[cube]
            self._remembered -= self._sizes[cube]
            self._main[cube] = 0
        else:
            self._small[cube] = 0
            self._held += self._sizes[cube]

    def leaving(self, there: set[int]) -> list[int]:
        """Those that leave, in order, until what is there fits."""
        over = sum(self._sizes[cube] for cube in there) - self._budget
        gone: list[int] = []
        while over > 0 and (self._small or self._main):
            small = self._held >= self._share * self._budget or not self._main
            cube = self._from_small() if small else self._from_main()
            if cube is not None and cube in there:
                gone.append(cube)
                over -= self._sizes[cube]
        return gone

    def _from_small(self) -> int | None:
        cube, uses = self._small.popitem(last=False)
        self._held -= self._sizes[cube]
        if uses > 1:
            self._main[cube] = 0
            return None
        self._ghost[cube] = None
        self._remembered += self._sizes[cube]
        while self._remembered > (1 - self._share) * self._budget:
            forgotten, _ = self._ghost.popitem(last=False)
            self._remembered -= self._sizes[forgotten]
        return cube

    def _from_main(self) -> int | None:
        cube, uses = self._main.popitem(last=False)
        if uses:
            self._main[cube] = uses - 1
            return None
        return cube
