"""The audit log of a store, wherever it lies: what it promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from mnemon.server.audit.entry import Entry, drafted

Line = tuple[bytes, Entry | None]
"""A line as it stands there, and the entry that it is, if it is one."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log ends: the newest entry's number and hash, kept beside the chain."""

    seq: int
    hash: str


class AuditLog(ABC):
    """One chain of entries, whoever appends."""

    def append(self, who: str, verb: str, outcome: str, **told: Any) -> Entry:
        """Write an entry, of what `drafted` takes; it is durable when this returns.

        Raises:
            StoreFull: no room. StoreError: it cannot be written.
        """
        return self.append_each([drafted(who, verb, outcome, **told)])[0]

    @property
    @abstractmethod
    def where(self) -> str:
        """A file, or a database, as it may be printed."""

    @abstractmethod
    def empty(self) -> bool:
        """Whether nothing was ever written."""

    @abstractmethod
    def append_each(self, drafts: Sequence[Entry]) -> list[Entry]:
        """Write drafted entries, one after the other; all are durable when this returns.

        Raises:
            As `append`: none of them counts as written then.
        """

    @abstractmethod
    def entries(self) -> Iterator[Line]:
        """All lines in order."""

    @abstractmethod
    def moment(self) -> AbstractContextManager[tuple[Head | None, Iterator[Line]]]:
        """The head and the lines of one moment; others append meanwhile."""

    @abstractmethod
    def continue_from(self, other: AuditLog) -> None:
        """Take over the lines of another log; what is appended follows them.

        Raises:
            InvalidInput: this one has entries of its own, or takes over none.
        """
