"""LHD: what is expected to be hit least often for the bytes and the time that it takes leaves.

Hit density: of cubes of an age and class, the hits to come by the time that they will be kept
until then, by size; both are learned from what was hit and what left at which age. Beckmann, Chen
and Cidon 2018, "LHD: Improving cache hit rate by maximizing hit density",
https://www.usenix.org/conference/nsdi18/presentation/beckmann; official code
(CMU-CORGI/LHD, MIT, `lhd.cpp`): read, not used. HOW OURS DIFFERS: it looks at all that is kept
instead of a sample, and needs no explorers for that; each tier learns by itself; ages are counted
in questions, learned from anew every 64 of them, a cache here being used thousands of times and
not billions. Hits count, not seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.schedule.on_demand import OnDemand
from mnemon.schedule.policies import Running
from mnemon.schedule.trace import Flags, Floats, Ints
from mnemon.schedule.view import DISK, HOST, View

__all__ = ["LHD"]

_AGES = 512


@dataclass(frozen=True)
class LHD:
    """Options.

    Attributes:
        coarse: questions that are one age.
        learns: questions between two looks at what was learned. keep: what old counts keep then.
        classes: of cubes, by the age at which they were hit last and the time before.
    """

    coarse: int = 4
    learns: int = 64
    keep: float = 0.9
    classes: int = 12

    def start(self, view: View) -> Running:
        """Begin with nothing kept and nothing known."""
        return OnDemand(_Densities(self, view), view)


class _Densities:
    def __init__(self, told: LHD, view: View) -> None:
        self._told = told
        self._tiers = {place: _Tier(told, view.bytes) for place in (HOST, DISK)}
        self._looked = 0

    def used(self, cubes: Ints, found: Ints, now: int) -> None:
        for place, tier in self._tiers.items():
            tier.used(cubes[found == place], cubes[found != place], now)
        if now - self._looked >= self._told.learns:
            self._looked = now
            for tier in self._tiers.values():
                tier.learn()

    def worth(self, place: int, cubes: Ints, twice: Flags, now: int) -> Floats:
        return self._tiers[place].worth(cubes, now)

    def left(self, cube: int, place: int) -> None:
        self._tiers[place].left(cube)


class _Tier:
    def __init__(self, told: LHD, sizes: Floats) -> None:
        self._told, self._sizes = told, sizes
        cubes = len(sizes)
        self._since = np.zeros(cubes, np.int64)
        self._ages: Ints = np.full((2, cubes), _AGES // 2)
        self._hits = np.zeros((told.classes, _AGES))
        self._left = np.zeros((told.classes, _AGES))
        # As the authors begin: the younger the better, and what was hit soon after another hit.
        first = np.arange(told.classes, 0, -1)[:, None]
        self._density: Floats = first / (np.arange(_AGES)[None] + 1.0)
        self._now = 0

    def used(self, hit: Ints, others: Ints, now: int) -> None:
        """`hit` were used here, `others` elsewhere: they may come here from now on."""
        self._now = now
        age = self._age(hit)
        np.add.at(self._hits, (self._class(hit), age), 1.0)
        self._ages[:, hit] = self._ages[1, hit], age
        self._ages[:, others] = _AGES // 2
        self._since[hit] = now
        self._since[others] = now

    def worth(self, cubes: Ints, now: int) -> Floats:
        self._now = now
        found: Floats = self._density[self._class(cubes), self._age(cubes)] / self._sizes[cubes]
        return found

    def left(self, cube: int) -> None:
        one = np.array([cube])
        self._left[self._class(one), self._age(one)] += 1.0

    def learn(self) -> None:
        """Densities of all ages, from the oldest on: hits from there on, by the time until then."""
        hits = np.cumsum(self._hits[:, ::-1], 1)
        events = np.cumsum((self._hits + self._left)[:, ::-1], 1)
        kept = np.cumsum(events, 1)
        found = np.divide(hits, kept, out=np.zeros_like(hits), where=kept > 1e-5)
        self._density = found[:, ::-1]
        self._hits *= self._told.keep
        self._left *= self._told.keep

    def _age(self, cubes: Ints) -> Ints:
        found: Ints = (self._now - self._since[cubes]) // self._told.coarse
        clipped: Ints = np.clip(found, 0, _AGES - 1)
        return clipped

    def _class(self, cubes: Ints) -> Ints:
        octave = np.log2(self._ages[:, cubes].sum(0) + 1.0).astype(np.int64)
        found: Ints = np.minimum(octave, self._told.classes - 1)
        return found
