"""Where keys lie, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from mnemon.server.keys.key import Key

Decide = Callable[[Sequence[Key]], Sequence[Key]]
"""All keys → those to be written: new ones, and others in place of those with their ids."""


class Shelf(Protocol):
    """What one process writes, all others see with their next question."""

    def in_use(self) -> bool:
        """Whether there ever was a key: from then on every call needs one."""
        ...

    def known(self) -> tuple[Key, ...]:
        """All of them, revoked and expired ones included, oldest first.

        Raises:
            StoreCorrupt: they cannot be read; nobody is let in by what nobody can read.
        """
        ...

    def of_digest(self, sha256: str) -> Key | None:
        """The key of a token's digest, alive or not."""
        ...

    def of_id(self, id: str) -> Key | None:
        """The key with an id, alive or not."""
        ...

    def change(self, decide: Decide) -> Sequence[Key]:
        """Write what is decided on seeing all keys, which nobody else changes meanwhile; what was
        written. Nothing is if `decide` raises; it may be asked again."""
        ...
