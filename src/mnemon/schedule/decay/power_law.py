"""Power law: what was often used fades slowly, and the longer it lasted, the slower.

The base-level activation of ACT-R, B = ln(sum of t^-d) over all uses, t ago each: Anderson and
Schooler 1991, "Reflections of the environment in memory",
https://doi.org/10.1111/j.1467-9280.1991.tb00174.x, who found that the odds of needing a thing fall
by a power of time, as retention does (Wickelgren 1974, https://doi.org/10.3758/BF03198132).
HOW OURS DIFFERS: a header knows how often a cube was read and when last, not when each time; so
all uses but the last are taken to be spread evenly over the cube's life (Petrov 2006,
"Computationally efficient approximation of the base-level learning equation in ACT-R", with one
recent use). Strength is ACT-R's chance of recall, 1 / (1 + exp((threshold - B) / noise)); the unit
of time is a day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from mnemon.cube import MemCube
from mnemon.schedule.decay import age, idle

__all__ = ["PowerLaw"]

_LEAST = 1 / 1440
"""Days: what was used less than a minute ago was a minute ago."""


@dataclass(frozen=True)
class PowerLaw:
    """Options.

    Attributes:
        d: the power by which a use fades.
        threshold: activation at which strength is one half; the default is that of something
            recorded 30 days ago and never read.
        noise: the higher, the less sharp the threshold.
    """

    d: float = 0.5
    threshold: float = -1.7
    noise: float = 0.4

    def strength(self, cube: MemCube, now: datetime) -> float:
        """The chance of recall."""
        odds = (self.activation(cube, now) - self.threshold) / self.noise
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, odds))))

    def activation(self, cube: MemCube, now: datetime) -> float:
        """B: recording a cube counts as its first use."""
        last, life = max(_LEAST, idle(cube, now)), max(_LEAST, age(cube, now))
        others = cube.usage.reads * self._mean(last, life)
        return math.log(last**-self.d + others)

    def _mean(self, last: float, life: float) -> float:
        """Of t^-d, t between the last use and the first."""
        if life - last < _LEAST:
            return float(life**-self.d)
        if self.d == 1:
            return math.log(life / last) / (life - last)
        power = 1 - self.d
        return float((life**power - last**power) / (power * (life - last)))
