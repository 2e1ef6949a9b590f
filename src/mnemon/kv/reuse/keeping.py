"""Keeping a blob: its bytes first, then the ledger is told; what may not be used goes again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from mnemon.errors import StaleArtifact
from mnemon.kv.reuse.ledger import Ledger, Sources
from mnemon.kv.tiers.blob import Blob


class Shelf(Protocol):
    """Where blobs are put (`mnemon.kv.tiers.Tiers` has it)."""

    def put(self, blob: Blob, *, seconds: float) -> None:
        """Keep a blob that took so many seconds to compute."""
        ...

    def delete(self, keys: Iterable[str]) -> int:
        """Delete blobs in every place; how many there were."""
        ...


def keep(
    blob: Blob, shelf: Shelf | None, ledger: Ledger, sources: Sources, *,
    parent: str | None = None, seconds: float,
) -> None:  # fmt: skip
    """Put a blob away and record it by its header's `form`.

    Args:
        shelf: None: the blob stays with its owner, and is only recorded.
        sources: (cube id, version) of what it was made from. parent: key of what it continues.
        seconds: what computing it took.

    Raises:
        StaleArtifact: a source changed meanwhile; the bytes are gone again.
    """
    if shelf is not None:
        shelf.put(blob, seconds=seconds)
    try:
        ledger.record(
            blob.key, form=blob.header["form"], parent=parent, sources=sources,
            header=blob.header, size=blob.nbytes,
        )  # fmt: skip
    except StaleArtifact:
        if shelf is not None:
            shelf.delete([blob.key])
        raise
