"""A trace run through a policy: two tiers with byte budgets, and what all of it cost.

A question uses cubes where they lie; then all of them are in the host, and whoever is worth least
there leaves it. A copy on disk stays when its cube is promoted: demoting it again writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnemon.schedule.decision import Decision
from mnemon.schedule.policies import Policy, Running
from mnemon.schedule.trace import Floats, Ints, Trace
from mnemon.schedule.view import DISK, HOST, NOWHERE, View


@dataclass(frozen=True)
class Outcome:
    """What a policy cost on a trace.

    Attributes:
        waited: seconds that questions waited for keys and values.
        written, compiled: background seconds of writing to disk, and of compiling ahead.
        host_hits, disk_hits, misses: uses by where the cube lay.
        writes, ahead: cubes written to disk, and those of them that were compiled ahead.
        ahead_used: of `ahead`, how many were used before they left the disk.
        moves: most often that one cube was written or dropped from disk.
    """

    waited: float
    written: float
    compiled: float
    host_hits: int
    disk_hits: int
    misses: int
    writes: int
    ahead: int
    ahead_used: int
    moves: int

    def cost(self, price: float) -> float:
        """Seconds waited and the price of those in the background."""
        return self.waited + price * (self.written + self.compiled)


def simulate(
    trace: Trace,
    policy: Policy,
    view: View,
    told: Callable[[int, Decision[int]], None] | None = None,
) -> Outcome:
    """Run a trace.

    Args:
        view: of the same trace.
        told: called with (time, decision) for each decision that was carried out.
    """
    tiers = _Tiers(view, policy.start(view), told)
    for now, cubes in enumerate(trace.questions):
        tiers.use(cubes, now)
    return tiers.outcome()


class _Tiers:
    def __init__(
        self, view: View, running: Running, told: Callable[[int, Decision[int]], None] | None
    ) -> None:
        cubes = len(view.bytes)
        self._view, self._running, self._told = view, running, told
        self._on = {HOST: np.zeros(cubes, bool), DISK: np.zeros(cubes, bool)}
        self._budget = {HOST: view.host_bytes, DISK: view.disk_bytes}
        self._held = {HOST: 0.0, DISK: 0.0}
        self._found = np.zeros(3, np.int64)
        self._waited = self._written = self._compiled = 0.0
        self._writes = self._ahead = self._ahead_used = 0
        self._unused = np.zeros(cubes, bool)
        self._moves = np.zeros(cubes, np.int64)

    def use(self, cubes: Ints, now: int) -> None:
        view, where = self._view, self.where()[cubes]
        seconds = np.choose(where, [one[cubes] for one in _waits(view)])
        self._waited += float(seconds.sum())
        self._found += np.bincount(where, minlength=3)
        self._ahead_used += int(self._unused[cubes].sum())
        self._unused[cubes] = False
        self._running.used(cubes, where, now)
        coming = cubes[(where != HOST) & (view.bytes[cubes] <= view.host_bytes)]
        self._put(coming, HOST)
        self._shrink(HOST, now)
        self._shrink(DISK, now)
        free = self._budget[DISK] - self._held[DISK]
        for decision in self._running.ahead(self.where(), self._on[DISK], free, now):
            self._compile(decision, now)
        self._shrink(DISK, now)

    def where(self) -> Ints:
        return np.where(self._on[HOST], HOST, np.where(self._on[DISK], DISK, NOWHERE))

    def outcome(self) -> Outcome:
        return Outcome(
            self._waited, self._written, self._compiled,
            int(self._found[HOST]), int(self._found[DISK]), int(self._found[NOWHERE]),
            self._writes, self._ahead, self._ahead_used, int(self._moves.max(initial=0)),
        )  # fmt: skip

    def _put(self, cubes: Ints, place: int) -> None:
        self._on[place][cubes] = True
        self._held[place] += float(self._view.bytes[cubes].sum())

    def _shrink(self, place: int, now: int) -> None:
        over = self._held[place] - self._budget[place]
        if over <= 0:
            return
        cubes = np.flatnonzero(self._on[place])
        twice = self._on[HOST if place == DISK else DISK][cubes]
        worth = self._running.worth(place, cubes, twice, now)
        order = cubes[np.argsort(worth, kind="stable")]
        gone = np.searchsorted(np.cumsum(self._view.bytes[order]), over) + 1
        for cube in order[:gone].tolist():
            self._leave(cube, place, now)

    def _leave(self, cube: int, place: int, now: int) -> None:
        self._on[place][cube] = False
        self._held[place] -= float(self._view.bytes[cube])
        other = HOST if place == DISK else DISK
        decision = self._running.leaves(cube, place, bool(self._on[other][cube]), now)
        if decision.action == "demote" and not self._fits(cube):
            decision = Decision("drop", cube, "larger than the disk's budget")
        if place == DISK:
            self._moves[cube] += 1
            self._unused[cube] = False
        elif decision.action == "demote":
            self._write(cube)
        self._tell(now, decision)
        self._running.left(cube, place)

    def _compile(self, decision: Decision[int], now: int) -> None:
        cube = decision.cube
        if self._on[DISK][cube] or self._on[HOST][cube] or not self._fits(cube):
            return
        self._compiled += float(self._view.ahead[cube])
        self._ahead += 1
        self._unused[cube] = True
        self._write(cube)
        self._tell(now, decision)

    def _fits(self, cube: int) -> bool:
        return bool(self._view.bytes[cube] <= self._view.disk_bytes)

    def _write(self, cube: int) -> None:
        self._put(np.array([cube]), DISK)
        self._written += float(self._view.write[cube])
        self._writes += 1
        self._moves[cube] += 1

    def _tell(self, now: int, decision: Decision[int]) -> None:
        if self._told is not None:
            self._told(now, decision)


def _waits(view: View) -> list[Floats]:
    return [view.compute, view.from_disk, view.from_host]
