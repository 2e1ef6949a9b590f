"""Expected saving: every move is worth the seconds that uses to come are expected to save by it.

A cube's usage state (when and how often it was used, when its group and its namespace were) is a
Markov chain, learned as questions come. Solved for as long as a tier keeps things, it tells how
often a cube will be used there, and whether at all. Then one rule decides everything, in seconds:
the least expected saving a byte leaves a tier; what leaves the host is written to disk, and what
lies nowhere is compiled ahead in a batch, if that saves more than it costs in the background and
more than what it displaces; and compiling ahead lives on what it has saved.
Ours. The nearest are LHD (Beckmann, Chen and Cidon 2018,
https://www.usenix.org/conference/nsdi18/presentation/beckmann), which ranks by hits to come a byte
from ages, and the cost-benefit prefetching of Patterson et al. 1995,
https://doi.org/10.1145/224056.224064. HOW OURS DIFFERS: usage outlives eviction (it stands in
cubes' headers), seconds count instead of hits, and states look at what is around a cube.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.schedule.chain import Chain
from mnemon.schedule.decision import Decision
from mnemon.schedule.policies import Running
from mnemon.schedule.sizes import Sizes
from mnemon.schedule.states import ITEMS, STATES, States
from mnemon.schedule.tenure import Tenure
from mnemon.schedule.trace import Flags, Floats, Ints
from mnemon.schedule.view import DISK, HOST, NOWHERE, View

__all__ = ["ExpectedSaving"]

_LOOKS = 4
"""Between two solutions of the chain."""
_FREE = 0.02
"""Of the disk: with more than that free, what is written displaces nothing."""
_NEXT = 0.03
"""Of what is on disk: its worth is what something more displaces."""


@dataclass(frozen=True)
class ExpectedSaving:
    """Options.

    Attributes:
        step: questions between two looks at all cubes.
        memory: questions after which a use counts 1 / e.
        keep: what was learned counts so much less after each step.
        prior: steps of a cube that a state must have been seen for, to be half believed.
        margin: what is compiled ahead must save so many times what it costs.
        batch: cubes compiled ahead in a step, at most; 0 compiles none.
        risk: compiling ahead may cost so much of the seconds waited, beyond what it has saved.
        sweeps: of solving the chain, each time.
    """

    step: int = 4
    memory: float = 1000.0
    keep: float = 0.998
    prior: float = 30.0
    margin: float = 1.0
    batch: int = 256
    risk: float = 0.02
    sweeps: int = 25

    def start(self, view: View) -> Running:
        """Begin with nothing kept and nothing known."""
        return _Expecting(self, view)


class _Expecting:
    def __init__(self, options: ExpectedSaving, view: View) -> None:
        self._told, self._view = options, view
        cubes = len(view.bytes)
        self._all = np.arange(cubes)
        self._states = States(view, options.memory)
        self._chain = Chain(options.keep, options.prior, options.step)
        self._sizes = Sizes(view.bytes, options.keep)
        self._before: Ints | None = None
        self._used = np.zeros(cubes, bool)
        self._tenure = {
            HOST: Tenure(view.host_bytes, options.step), DISK: Tenure(view.disk_bytes, options.step)
        }  # fmt: skip
        self._chances = self._chain.chances()
        self._uses = {HOST: 4 * self._chances, DISK: 4 * self._chances}  # until it is solved
        self._first = self._chances
        self._saves = view.compute - view.from_disk
        self._bar = 0.0
        self._steps = 0
        self._open = np.zeros(cubes, bool)
        self._purse = 0.0

    def used(self, cubes: Ints, found: Ints, now: int) -> None:
        won = cubes[self._open[cubes]]
        self._purse += self._told.risk * float(_waits(self._view)[found, cubes].sum())
        self._purse += float((self._saves + self._view.price * self._view.write)[won].sum())
        self._open[cubes] = False
        self._states.used(cubes, now)
        self._used[cubes] = True

    def worth(self, place: int, cubes: Ints, twice: Flags, now: int) -> Floats:
        view, again = self._view, self._saved(cubes, now)
        # What is in both tiers is written again at worst.
        if place == DISK:
            again = np.where(twice, np.minimum(again, view.price * view.write[cubes]), again)
            return again / view.bytes[cubes]
        slower = (view.from_disk - view.from_host)[cubes] * self._expected(HOST, cubes, now)
        lost = np.where(twice, 0.0, np.minimum(again, view.price * view.write[cubes]))
        worth: Floats = (slower + lost) / view.bytes[cubes]
        return worth

    def leaves(self, cube: int, place: int, twice: bool, now: int) -> Decision[int]:
        view = self._view
        if place == DISK or twice:
            kept = ", the other tier keeps it" if twice else ""
            return Decision("drop", cube, f"{self._states.told(cube, now)}: worth least{kept}")
        saves = float(self._saved(np.array([cube]), now)[0])
        costs = view.price * float(view.write[cube])
        room = self._bar * float(view.bytes[cube])
        reason = f"{self._states.told(cube, now)}: {_against(saves, costs, room)}"
        if saves > costs + room:
            return Decision("demote", cube, reason, saves, float(view.write[cube]))
        return Decision("drop", cube, reason, saves)

    def left(self, cube: int, place: int) -> None:
        self._tenure[place].left(float(self._view.bytes[cube]))
        if place == DISK:
            self._open[cube] = False

    def ahead(self, where: Ints, on_disk: Flags, free: float, now: int) -> Sequence[Decision[int]]:
        if now % self._told.step:
            return ()
        self._look(now)
        self._bar = self._displaced(on_disk, where == HOST, free, now)
        return self._compiled(np.flatnonzero(where == NOWHERE), now) if self._told.batch else ()

    def _look(self, now: int) -> None:
        """Learn from the step that ends; now and then solve the chain again."""
        after = self._states.at(now, self._all)
        if self._before is not None:
            self._chain.learn(self._before, after, self._used)
            known = self._before >= STATES // ITEMS
            self._sizes.learn(self._chances[self._before], self._used, known)
        for tenure in self._tenure.values():
            tenure.stepped()
        self._before, self._used = after, np.zeros(len(after), bool)
        self._steps += 1
        if self._steps % _LOOKS == 0:
            self._solve(now)

    def _solve(self, now: int) -> None:
        self._chances = self._chain.chances()
        for place, tenure in self._tenure.items():
            kept = math.exp(-self._told.step / tenure.questions(now))
            self._uses[place] = self._chain.uses(
                self._chances, kept, self._uses[place], self._told.sweeps
            )
        self._first = self._chain.first(self._chances, kept, self._first, self._told.sweeps)

    def _expected(self, place: int, cubes: Ints, now: int) -> Floats:
        """Uses while kept there."""
        states = self._states.at(now, cubes)
        times = self._sizes.times(cubes, self._states.known()[cubes])
        other, near = self._states.beside(now, cubes)
        uses = self._uses[place]
        found: Floats = times * (uses[states] * (1 - near) + uses[states + other] * near)
        return found

    def _saved(self, cubes: Ints, now: int) -> Floats:
        """Seconds, by being on disk and not nowhere."""
        found: Floats = self._expected(DISK, cubes, now) * self._saves[cubes]
        return found

    def _displaced(self, on_disk: Flags, in_host: Flags, free: float, now: int) -> float:
        """Seconds a byte that are lost when something more is put on disk."""
        cubes = np.flatnonzero(on_disk)
        if free > _FREE * self._view.disk_bytes or not len(cubes):
            return 0.0
        return float(np.quantile(self.worth(DISK, cubes, in_host[cubes], now), _NEXT))

    def _compiled(self, cubes: Ints, now: int) -> list[Decision[int]]:
        view = self._view
        chance = self._first[self._states.at(now, cubes)]
        times = self._sizes.times(cubes, self._states.known()[cubes])
        chance = np.minimum(1.0, 1 - (1 - np.minimum(chance, 0.999)) ** times)
        writing = view.price * view.write[cubes]
        # What is used on demand would be written as well, later.
        saves = chance * (self._saves[cubes] + writing)
        costs = view.price * view.ahead[cubes] + writing
        room = self._bar * view.bytes[cubes]
        won = (saves - room - self._told.margin * costs) / view.bytes[cubes]
        best = np.argsort(-won, kind="stable")[: self._told.batch]
        best = best[won[best] > 0]
        best = best[np.cumsum(costs[best]) <= self._purse]
        self._purse -= float(costs[best].sum())
        self._open[cubes[best]] = True
        return [
            Decision(
                "compile", int(cubes[one]),
                f"{self._states.told(int(cubes[one]), now)}, {chance[one]:.0%} likely to be used: "
                + _against(saves[one], costs[one], room[one]),
                float(saves[one]), float((view.ahead + view.write)[cubes[one]]),
            )
            for one in best
        ]  # fmt: skip


def _waits(view: View) -> Floats:
    """Seconds waited, by where a cube lies and which it is."""
    return np.stack([view.compute, view.from_disk, view.from_host])


def _against(saves: float, costs: float, room: float) -> str:
    return f"saves {saves:.4f} s, costs {costs:.4f} s and {room:.4f} s for what it displaces"
