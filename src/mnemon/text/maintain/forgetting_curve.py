"""Forgetting curve: what is not recalled fades, and what has faded is retired.

MemoryBank's retention of a memory is R = exp(-t / S): t days since it was learned or last recalled,
S its strength, 1 at first and 1 more with every recall, which also sets t to 0 (Ebbinghaus'
forgetting curve). Zhong et al. 2023, "MemoryBank: Enhancing Large Language Models with Long-Term
Memory", https://arxiv.org/abs/2305.10250. Official code (zhongwanjun/MemoryBank-SiliconFriend, MIT,
`memory_bank/memory_retrieval/forget_memory.py` at 0cc7111a): read, not used. How ours differs:
there a memory survives each day with probability R, S stops at 3 and nothing outlives 30 days; here
it goes when R falls below `least`, so that the same memory forgets the same; S has no limit; and it
may keep to a size (`most`) instead. Retired cubes stay in the past. Only what people and importers
put into this very namespace is judged: what methods derived goes with its sources.
With the paper's day as unit, what is never recalled is gone three days after it was recorded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mnemon.cube import Edit, MemCube
from mnemon.text.maintain import _derived

__all__ = ["ForgettingCurve"]


@dataclass(frozen=True)
class ForgettingCurve:
    """Options.

    Attributes:
        least: retention below which a cube is retired, in [0, 1]; 0 retires none for its age.
        days: after so many days a cube of strength 1 is down to 1 / e.
        most: beyond so many cubes, those of least retention go as well, at equal retention the
            oldest; None sets no limit.
        spared: kinds that are never forgotten. A cube whose policy keeps it until later never is.
    """

    least: float = 0.05
    days: float = 1.0
    most: int | None = None
    spared: Sequence[str] = ("profile",)

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterator[Edit]:
        """A `retire` for each cube that has faded, the most faded first."""
        cubes = [c for c in _derived.sources(memory, namespace, now) if self._may_go(c, now)]
        cubes.sort(key=lambda cube: -self.faded(cube, now))
        over = 0 if self.most is None else len(cubes) - self.most
        for place, cube in enumerate(cubes):
            kept = math.exp(-self.faded(cube, now))
            if place < over or kept < self.least:
                yield Edit("retire", f"retention {kept:.2g}", cube=cube.id, version=cube.version)

    def faded(self, cube: MemCube, now: datetime) -> float:
        """t / S of a cube at a moment, 0 or more: its retention is exp of minus that, which would
        be 0 for all that is old."""
        since = max(cube.usage.last_read or cube.recorded_at, cube.recorded_at)
        idle = max(now - since, timedelta()) / timedelta(days=self.days)
        return idle / (1.0 + cube.usage.reads)

    def _may_go(self, cube: MemCube, now: datetime) -> bool:
        until = cube.policy.retain_until
        return cube.kind not in self.spared and (until is None or until <= now)
