"""Ebbinghaus' curve as MemoryBank has it: R = exp(-t / S), and recalling sets S += 1 and t = 0.

Zhong et al. 2023, "MemoryBank: Enhancing Large Language Models with Long-Term Memory",
https://arxiv.org/abs/2305.10250. The curve is that of `text.maintain/forgetting-curve`, where it
is told how it differs from the official code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from mnemon.cube import MemCube
from mnemon.text.maintain.forgetting_curve import ForgettingCurve

__all__ = ["Ebbinghaus"]


@dataclass(frozen=True)
class Ebbinghaus:
    """Options.

    Attributes:
        days: after so many days a cube that was never recalled is down to 1 / e.
    """

    days: float = 1.0

    def strength(self, cube: MemCube, now: datetime) -> float:
        """Retention."""
        return math.exp(-ForgettingCurve(days=self.days).faded(cube, now))
