"""None: strength stays what it is; only how often a cube was read since it was recorded counts.

No paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mnemon.cube import MemCube

__all__ = ["NoDecay"]


@dataclass(frozen=True)
class NoDecay:
    """No options."""

    def strength(self, cube: MemCube, now: datetime) -> float:
        """1."""
        return 1.0
