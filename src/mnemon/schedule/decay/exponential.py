"""Half-life: strength halves with every so many days without use, however often it was used.

The law of radioactive decay, as recency is mostly scored in retrieval; no paper of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mnemon.cube import MemCube
from mnemon.schedule.decay import idle

__all__ = ["Exponential"]


@dataclass(frozen=True)
class Exponential:
    """Options.

    Attributes:
        half_life: days.
    """

    half_life: float = 30.0

    def strength(self, cube: MemCube, now: datetime) -> float:
        """The half to the power of half-lives since the last use."""
        return float(0.5 ** (idle(cube, now) / self.half_life))
