"""The slot `schedule.policies`: which keys and values stay, move to disk, or are made ahead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mnemon.schedule.decision import Decision
from mnemon.schedule.trace import Flags, Floats, Ints
from mnemon.schedule.view import View


class Running(Protocol):
    """A policy at work on one view. Time counts questions."""

    def used(self, cubes: Ints, found: Ints, now: int) -> None:
        """A question used these, and where each was found (`NOWHERE`, `DISK`, `HOST`)."""
        ...

    def worth(self, place: int, cubes: Ints, twice: Flags, now: int) -> Floats:
        """How much each should stay in `place` (`DISK` or `HOST`); the least leaves first.

        Args:
            twice: whether the other place has it too.
        """
        ...

    def leaves(self, cube: int, place: int, twice: bool, now: int) -> Decision[int]:
        """It has to leave `place`: `demote` it from the host to disk, or `drop` it.

        Args:
            twice: whether the other place has it too, and keeps it.
        """
        ...

    def left(self, cube: int, place: int) -> None:
        """It has left `place`."""
        ...

    def ahead(self, where: Ints, on_disk: Flags, free: float, now: int) -> Sequence[Decision[int]]:
        """What to compile to disk before it is asked for, after a question.

        Args:
            where: each cube lies, `[N]`. on_disk: whether it lies there, `[N]`.
            free: bytes of the disk.
        """
        ...


class Policy(Protocol):
    """A policy of scheduling."""

    def start(self, view: View) -> Running:
        """Begin with nothing kept."""
        ...
