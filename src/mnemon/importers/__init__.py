"""The slot `importers`: one file reads one format of real histories, as a stream.

A method is a frozen dataclass with `suffixes`, `sniff` and `read`. A class attribute
`generic: ClassVar[bool] = True` marks a method that is asked only when no other fits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from mnemon.cube import Draft
from mnemon.importers._history import History as History

__all__ = ["History", "Importer", "Malformed"]


@dataclass(frozen=True, slots=True)
class Malformed:
    """An entry that could not be read and was left out (or what of it could not be kept).

    `place` is such as `conversations.json: conversation 12, message 4` or `notes/a.md:3`.
    """

    place: str
    reason: str


class Importer(Protocol):
    """What a method of this slot offers; its fields are its options, all with defaults."""

    suffixes: ClassVar[tuple[str, ...]]

    def sniff(self, path: Path, head: bytes) -> bool:
        """Whether `path` looks like this format; `head` is its first 64 KiB, b"" for a folder."""
        ...

    def read(self, history: History) -> Iterator[Draft | Malformed]:
        """The history's entries in its own order, each with a key that never changes.

        Raises:
            ImportFailed: the history as a whole is not of this format.
        """
        ...
