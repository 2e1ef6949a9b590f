"""Ledger: who knows whether a kept block may still be used. Nothing here keeps the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Sources = Sequence[tuple[str, int]]
"""(cube id, version) of what a block was made from."""


class Ledger(Protocol):
    """Asked before a block is used, told before it can be found."""

    def fresh(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that are known and whose sources, and their parents', are current."""
        ...

    def record(
        self, key: str, *, form: str, parent: str | None, sources: Sources,
        header: Mapping[str, Any], size: int,
    ) -> None:  # fmt: skip
        """Take note of a block whose bytes are written: from now on it may be found.

        Args:
            form: `kv-block` (continues `parent`, or begins a chain if that is None), `kv-chunk`
                (a text computed alone), `kv-episode`, `kv-explicit`.
            sources: of its own tokens; those before them are its parents' sources.
            size: bytes.

        Raises:
            StaleArtifact: a source changed meanwhile: the bytes must go.
        """
        ...


@dataclass
class Trusting:
    """The ledger of who keeps no memory: what was recorded stays usable."""

    known: set[str] = field(default_factory=set)

    def fresh(self, keys: Sequence[str]) -> set[str]:
        """Those that were recorded."""
        return self.known.intersection(keys)

    def record(
        self, key: str, *, form: str, parent: str | None, sources: Sources,
        header: Mapping[str, Any], size: int,
    ) -> None:  # fmt: skip
        """Remember the key."""
        self.known.add(key)


class Sourceless:
    """The ledger of blocks that nothing stands behind: their key alone decides what they are."""

    def fresh(self, keys: Sequence[str]) -> set[str]:
        """All of them."""
        return set(keys)

    def record(
        self, key: str, *, form: str, parent: str | None, sources: Sources,
        header: Mapping[str, Any], size: int,
    ) -> None:  # fmt: skip
        """Nothing to remember."""
