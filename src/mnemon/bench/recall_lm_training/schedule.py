"""When what is done, by the share of the time that has passed: phases, rates, momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_LEAST = 0.01  # of a rate: the last steps still move
_STEADY = 300  # steps until the momentum is at its height


class Phase(NamedTuple):
    """A while in which samples have one of some lengths (tokens), each as likely as another."""

    lengths: tuple[int, ...]
    seconds: float


def phase(phases: Sequence[Phase], passed: float) -> int:
    """Which phase it is when a share `passed` of the time is over."""
    whole = sum(one.seconds for one in phases)
    until = 0.0
    for number, one in enumerate(phases):
        until += one.seconds / whole
        if passed < until:
            return number
    return len(phases) - 1


def factor(step: int, passed: float, warmup: int, decay: float) -> float:
    """What the learning rates are multiplied with: up over steps, flat, down over time."""
    rising = min(1.0, (step + 1) / warmup)
    falling = min(1.0, (1 - passed) / decay)
    return max(_LEAST, rising * falling)


def momentum(step: int) -> float:
    """Muon's: 0.85 at first, 0.95 from step 300."""
    return 0.85 + 0.10 * min(1.0, step / _STEADY)
