"""Lifecycle: what a cube's header says of its use, and the state that it is in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mnemon.cube import MemCube
from mnemon.schedule.decay import Decay, age
from mnemon.schedule.live.rules import Rules

State = Literal["new", "hot", "warm", "cold", "expired"]
STATES: tuple[State, ...] = ("new", "hot", "warm", "cold", "expired")


@dataclass(frozen=True, slots=True)
class Standing:
    """A cube and its use.

    Attributes:
        uses: reads, and judgements: one more for each helpful one, one less for each other.
        strength: the header's, faded by a law of `schedule.decay`, in [0, 1].
        expected: uses within the horizon: as many a day as on average so far, times strength.
    """

    cube: MemCube
    uses: int
    strength: float
    expected: float
    state: State

    def told(self, rules: Rules) -> str:
        """In words."""
        if not self.uses:
            return f"{self.state}, never used, strength {self.strength:.2f}"
        return (
            f"{self.state}, used {self.uses} times, strength {self.strength:.2f}: "
            f"{self.expected:.1f} uses expected in {rules.horizon:g} days"
        )


def standing(cube: MemCube, now: datetime, decay: Decay, rules: Rules) -> Standing:
    """Where a cube stands at a moment; the same header gives the same."""
    usage = cube.usage
    uses = max(0, usage.reads + usage.helpful - usage.unhelpful)
    strength = usage.strength * decay.strength(cube, now)
    # A day at least: two reads in the first minute do not make thousands a week.
    expected = uses / max(1.0, age(cube, now)) * rules.horizon * strength
    return Standing(cube, uses, strength, expected, _state(cube, now, strength, expected, rules))


def _state(
    cube: MemCube, now: datetime, strength: float, expected: float, rules: Rules
) -> State:  # fmt: skip
    until = cube.policy.retain_until
    if until is not None and until <= now:
        return "expired"
    if not cube.usage.reads:
        return "new" if age(cube, now) < rules.new else "cold"
    if expected >= rules.hot * rules.horizon:
        return "hot"
    return "warm" if strength >= rules.warm else "cold"
