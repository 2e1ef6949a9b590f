"""No retrieval: the conversation itself, as much of it as fits.

Ranks are the order of time, so recall at k is that of the first k turns and means little. Under a
token budget it returns the most recent turns that fit, as a chat that drops its oldest turns does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mnemon.bench.case import Turn
from mnemon.bench.recipes._plain import costs

__all__ = ["FullContext"]


@dataclass(frozen=True)
class FullContext:
    """No options."""

    needs: ClassVar[tuple[str, ...]] = ()

    def ingest(self, turns: Sequence[Turn]) -> Transcript:
        """Nothing to index."""
        return Transcript(costs(turns))


@dataclass(frozen=True)
class Transcript:
    """Turn ids in the order of time, with the tokens of their lines."""

    costs: dict[str, int]

    def rank(self, question: str, k: int) -> list[str]:
        return list(self.costs)[:k]

    def within(self, question: str, tokens: int) -> list[str]:
        """An unbroken run of turns up to the last one."""
        chosen = []
        for id, cost in reversed(self.costs.items()):
            tokens -= cost
            if tokens < 0:
                break
            chosen.append(id)
        return chosen

    def close(self) -> None:
        return None
