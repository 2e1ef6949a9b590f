"""The slot `bench.tasks`: one file reads one benchmark's data. This is what each offers."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol

from mnemon.bench.case import Case


class Task(Protocol):
    """Checked metadata, and the cases. `direction` is "higher" or "lower": which is better."""

    name: ClassVar[str]
    url: ClassVar[str]
    licence: ClassVar[str]
    citation: ClassVar[str]
    split: ClassVar[str]
    main_score: ClassVar[str]
    direction: ClassVar[str]

    def sniff(self, path: Path) -> bool:
        """Whether `path` looks like this task's data."""
        ...

    def read(self, path: Path) -> list[Case]:
        """All conversations in the data's order.

        Raises:
            ImportFailed: the data as a whole is not of this format.
        """
        ...
