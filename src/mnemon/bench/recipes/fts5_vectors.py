"""Plain SQLite full-text search and vectors, fused by reciprocal rank: the rival to beat.

What one writes in an afternoon: FTS5's bm25() order and exact cosine of the bundled embedder,
`1 / (k + rank)` summed (Cormack et al. 2009, https://doi.org/10.1145/1571941.1572114). No known
difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mnemon.bench.case import Turn
from mnemon.bench.recipes._cosine import by_cosine, untuned
from mnemon.bench.recipes._plain import Scored, costs
from mnemon.bench.recipes._table import by_words
from mnemon.embedding import DEFAULT

__all__ = ["FTS5Vectors"]


@dataclass(frozen=True)
class FTS5Vectors:
    """Options: FTS5's tokenizer, the embedder, the paper's `k`, and how many of each list fuse."""

    tokenizer: str = "porter unicode61"
    embedder: str = DEFAULT
    k: float = 60.0
    depth: int = 200

    needs: ClassVar[tuple[str, ...]] = ()

    def ingest(self, turns: Sequence[Turn]) -> Scored:
        """A table and vectors in RAM."""
        words, database = by_words(turns, self.tokenizer)
        meaning = by_cosine(turns, untuned(self.embedder)).order

        def fused(question: str) -> dict[str, float]:
            scores: dict[str, float] = {}
            for channel in (words, meaning):
                for rank, id in enumerate(channel(question, self.depth), start=1):
                    scores[id] = scores.get(id, 0.0) + 1.0 / (self.k + rank)
            return scores

        def order(question: str, k: int) -> list[str]:
            scores = fused(question)
            return sorted(scores, key=scores.__getitem__, reverse=True)[:k]

        def top(question: str) -> float:
            return max(fused(question).values(), default=0.0)

        return Scored(costs(turns), order, database.close, top=top)
