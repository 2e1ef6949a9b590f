"""Places: what reuse asks of where blobs lie (`mnemon.kv.tiers.Tiers` has it)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from mnemon.kv.tiers.blob import Blob


class Places(Protocol):
    """Blobs by key, whichever place has them."""

    def where(self, key: str) -> str | None:
        """The name of the fastest place that has it."""
        ...

    def prefetch(self, keys: Sequence[str]) -> None:
        """Begin to bring them near."""
        ...

    def get(self, key: str) -> Blob | None:
        """The blob, verified; None: not there, damaged (and gone), or slower than computing it."""
        ...

    def put(self, blob: Blob, *, seconds: float) -> None:
        """Keep a blob that took so many seconds to compute."""
        ...

    def delete(self, keys: Iterable[str]) -> int:
        """Delete them in every place; how many blobs that was."""
        ...
