"""Everybody's turn: what one has done is nothing to the next."""

from __future__ import annotations


class OwnRounds:
    """See `Rounds`."""

    def begin(self, name: str, seconds: float) -> bool:
        return True
