"""Who is asked whose turn it is."""

from __future__ import annotations

from typing import Protocol


class Rounds(Protocol):
    """Of several processes that ask, one gets the turn."""

    def begin(self, name: str, seconds: float) -> bool:
        """Whether the round of a name is to be done here and now: one every so many seconds."""
        ...
