"""BM25 alone over the turns as they are, by the library bm25s.

Robertson & Zaragoza 2009; library: Lu 2024, https://arxiv.org/abs/2407.03618 (MIT), with its
defaults (Lucene's formula, k1 1.5, b 0.75, English stop words) and the Snowball English stemmer.
No known difference. A turn that shares no term with the question is not returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mnemon.bench.case import Turn, line
from mnemon.bench.recipes._plain import Scored, costs
from mnemon.models.extras import require

__all__ = ["BM25"]


@dataclass(frozen=True)
class BM25:
    """Options: BM25's `k1` and `b`."""

    k1: float = 1.5
    b: float = 0.75

    needs: ClassVar[tuple[str, ...]] = ("bm25s", "bm25s", "bench")

    def ingest(self, turns: Sequence[Turn]) -> Scored:
        """An index in RAM."""
        library = require(*self.needs)
        stemmer = require("Stemmer", "PyStemmer", "bench").Stemmer("english")
        ids = [turn.id for turn in turns]

        def tokens(texts: list[str]) -> Any:
            return library.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)

        index = library.BM25(k1=self.k1, b=self.b)
        index.index(tokens([line(turn) for turn in turns]), show_progress=False)

        def found(question: str, k: int) -> list[tuple[str, float]]:
            asked = library.tokenize(
                [question], stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False
            )
            places, scores = index.retrieve(asked, k=min(k, len(ids)), show_progress=False)
            pairs = zip(places[0].tolist(), scores[0].tolist(), strict=True)
            return [(ids[place], score) for place, score in pairs if score > 0]

        def order(question: str, k: int) -> list[str]:
            return [id for id, _ in found(question, k)]

        def top(question: str) -> float:
            return max((score for _, score in found(question, 1)), default=0.0)

        return Scored(costs(turns), order, top=top)
