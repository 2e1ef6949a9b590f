"""Kept: the blocks of one model, wherever they lie: found, asked whether they are fresh, read.

Bytes go to their place first, then the ledger is told, then they can be found; what may no longer
be used goes with everything that continues it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence

from mnemon.errors import InvalidInput, StaleArtifact
from mnemon.kv.reuse.block import Block
from mnemon.kv.reuse.keeping import keep
from mnemon.kv.reuse.ledger import Ledger, Sources
from mnemon.kv.reuse.packing import block_of
from mnemon.kv.reuse.places import Places
from mnemon.kv.reuse.tree import Tree
from mnemon.kv.tiers.blob import Blob

MEMORY = "memory"


class Kept:
    """Blocks by key. Safe to use from several threads.

    Attributes:
        tree: what is known, and blocks themselves if there are no tiers. counts: what happened.
    """

    def __init__(self, tiers: Places | None, ledger: Ledger, limit: int) -> None:
        """Keep blocks in tiers; without, under a limit of bytes in this process."""
        self.tree = Tree(limit if tiers is None else 0)
        self.counts: Counter[str] = Counter()
        self._tiers, self._ledger = tiers, ledger
        self._publishing: Counter[str] = Counter()
        self._lock = threading.RLock()

    def place(self, key: str) -> str | None:
        """Where a block lies: `memory`, the name of a tier, or None."""
        if self.tree.block(key) is not None:
            return MEMORY
        return None if self._tiers is None else self._tiers.where(key)

    def there(self, keys: Sequence[str]) -> list[tuple[str, str]]:
        """The first keys of a chain that some place has, and which."""
        found = []
        for key in keys:
            place = self.place(key)
            if place is None:
                break
            found.append((key, place))
        return found

    def usable(self, keys: Sequence[str]) -> set[str]:
        """Those of a chain that some place has and whose sources are current."""
        there = [key for key in keys if self.place(key) is not None]
        return self._ledger.fresh(there) if there else set()

    def longest(self, keys: Sequence[str]) -> list[tuple[str, str]]:
        """The first keys of a chain that may be used, and where they lie.

        From the first one on that may not, all go.
        """
        there = self.there(keys)
        fresh = self._ledger.fresh([key for key, _ in there]) if there else set()
        for number, (key, _) in enumerate(there):
            if key not in fresh:
                self._drop_stale(keys[number:])
                return there[:number]
        return there

    def read(
        self,
        places: Sequence[tuple[str, str]],
        tokens: Sequence[int],
        size: int,
        layers: int,
        before: Sequence[str] = (),
    ) -> list[tuple[Block, str]]:
        """The blocks of a chain in order, up to the first that cannot be had.

        Args:
            places: from `longest`. tokens: of the prompt, whole. size: tokens a block. layers: how
                many a block must have. before: keys of the blocks before them.
        """
        if self._tiers is not None:
            self._tiers.prefetch([key for key, place in places if place != MEMORY])
        found: list[tuple[Block, str]] = []
        parent = before[-1] if before else None
        for key, place in places:
            begin = (len(before) + len(found)) * size
            block = self._block(key)
            if block is None:
                break
            if not _is(block, tokens[begin : begin + size], begin, layers):
                self.count(damaged=1)
                self.forget([key])
                break
            self.tree.add(key, parent, block)
            parent = key
            found.append((block, place))
        return found

    def keep(
        self, blob: Blob, block: Block, parent: str | None, sources: Sources, seconds: float
    ) -> bool:
        """Put a block where blocks lie, then tell the ledger; whether it may be used.

        Args:
            blob: of the block; its header has the `form`. parent: key of the block it continues.
            seconds: what computing it took.
        """
        with self._lock:
            self._publishing[blob.key] += 1
        try:
            keep(blob, self._tiers, self._ledger, sources, parent=parent, seconds=seconds)
        except StaleArtifact:
            self.forget([blob.key])
            self.count(withdrawn=1)
            return False
        finally:
            with self._lock:
                self._publishing -= Counter({blob.key: 1})
        self.tree.add(blob.key, parent, block)
        return True

    def forget(self, keys: Iterable[str]) -> int:
        """Let blocks go everywhere, with all that continue them; how many there were."""
        asked = set(keys)
        known = self.tree.drop(asked)
        return len(known) if self._tiers is None else self._tiers.delete(sorted(known | asked))

    def count(self, **more: int) -> None:
        """Add to the counts."""
        with self._lock:
            self.counts.update(more)

    def _drop_stale(self, keys: Sequence[str]) -> None:
        with self._lock:
            asked = {key for key in keys if self.place(key) and key not in self._publishing}
        gone = asked | self.tree.drop(asked)
        if self._tiers is not None:
            self._tiers.delete(sorted(gone))
        self.count(stale=len(gone))

    def _block(self, key: str) -> Block | None:
        block = self.tree.block(key)
        if block is not None or self._tiers is None:
            return block
        blob = self._tiers.get(key)
        if blob is None:
            reason = "damaged" if self._tiers.where(key) is None else "skipped"
            self.count(**{reason: 1})
            return None
        try:
            return block_of(blob)
        except InvalidInput:
            self.count(damaged=1)
            self.forget([key])
            return None


def _is(block: Block, tokens: Sequence[int], start: int, layers: int) -> bool:
    """Whether a block is the one of these tokens: a key is trusted, and still compared."""
    same = block.tokens.tolist() == list(tokens) and block.start == start
    return same and len(block.keys) == layers
