"""SQLite's full-text search alone: FTS5, any of the question's words, ordered by its bm25().

https://sqlite.org/fts5.html (public domain), its bm25() with k1 1.2 and b 0.75 fixed, no stop
words. No known difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mnemon.bench.case import Turn
from mnemon.bench.recipes._plain import Plain, costs
from mnemon.bench.recipes._table import by_words

__all__ = ["FTS5"]


@dataclass(frozen=True)
class FTS5:
    """Option: FTS5's tokenizer; the default stems with Porter's algorithm."""

    tokenizer: str = "porter unicode61"

    needs: ClassVar[tuple[str, ...]] = ()

    def ingest(self, turns: Sequence[Turn]) -> Plain:
        """A table in RAM."""
        order, database = by_words(turns, self.tokenizer)
        return Plain(costs(turns), order, database.close)
