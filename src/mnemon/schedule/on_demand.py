"""A policy that only ranks: all that leaves the host is written, nothing is made ahead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mnemon.schedule.decision import Decision
from mnemon.schedule.trace import Flags, Floats, Ints
from mnemon.schedule.view import HOST, View


class Ranking(Protocol):
    """Of what is kept; the words are those of `policies.Running`."""

    def used(self, cubes: Ints, found: Ints, now: int) -> None:
        """A question used these."""
        ...

    def worth(self, place: int, cubes: Ints, twice: Flags, now: int) -> Floats:
        """The least leaves first."""
        ...

    def left(self, cube: int, place: int) -> None:
        """It has left."""
        ...


class OnDemand:
    """A ranking at work, as caches do it."""

    def __init__(self, ranking: Ranking, view: View) -> None:
        self._writes = view.write
        self.used = ranking.used
        self.worth = ranking.worth
        self.left = ranking.left

    def leaves(self, cube: int, place: int, twice: bool, now: int) -> Decision[int]:
        """From the host always to disk."""
        if place == HOST and not twice:
            return Decision(
                "demote", cube, "least worth in the host", 0.0, float(self._writes[cube])
            )
        return Decision(
            "drop", cube, f"least worth {'in the host' if place == HOST else 'on disk'}"
        )

    def ahead(self, where: Ints, on_disk: Flags, free: float, now: int) -> Sequence[Decision[int]]:
        """Nothing."""
        return ()
