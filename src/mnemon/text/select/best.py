"""Best: the best-ranked lines that fit, one after the other.

What most memories do; here to compare with. No paper. A line too long for what is left is passed
over, so that shorter ones behind it still serve.
"""

from __future__ import annotations

from dataclasses import dataclass

from mnemon.text.select import Lines, Room

__all__ = ["Best"]


@dataclass(frozen=True)
class Best:
    """No options."""

    def select(self, lines: Lines, room: Room) -> None:
        """Take lines in the order of their scores."""
        for place, score in enumerate(lines.scores.tolist()):
            if score > 0 and room.left > 0:
                room.take([place])
