"""Typed: the best records of each type, episodic, semantic and procedural; their union as turns.

ENGRAM: one store a type; a question takes the top k of each, and the union without duplicates is
the context. So no type, however many records it has, drives out the others. Patel & Patel 2025,
"ENGRAM: Effective, Lightweight Memory Orchestration for Conversational Agents",
https://arxiv.org/abs/2511.12960. How ours differs: records are sentences typed by rule
(`maintain/typed_records.py`); similarity is BM25 and cosine (`lexical` 0 is the paper's cosine),
where the words are those of the turn and of what was said around it; what is returned is the turn
that a record was taken from, so that nobody reads as said what was not, and two records of one turn
are one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.errors import InvalidInput
from mnemon.store.view import View
from mnemon.text.kinds import EPISODIC, TYPES
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best
from mnemon.text.retrieve._evidence import evidence, mixed
from mnemon.text.retrieve._records import records

__all__ = ["Typed"]


@dataclass(frozen=True)
class Typed:
    """Options.

    Attributes:
        k: so many records of each type.
        pools: `typed`, or `single` for the best 3 k records of any type.
        lexical: the share of BM25 in a similarity; the rest is cosine above the average.
        most: at most so many turns are returned.
    """

    k: int = 25
    pools: str = "typed"
    lexical: float = 0.7
    most: int = 400

    def __post_init__(self) -> None:
        if self.pools not in ("typed", "single"):
            raise InvalidInput(f"pools is {self.pools!r}: 'typed' or 'single'")

    def retrieve(self, view: View, query: Query) -> Ranking:
        """The turns of the chosen records, each by its best one."""
        found = records(view)
        record, source = found.of(view, *TYPES)
        # A turn that has no record yet stands for itself, as something that happened.
        alone = found.turns.copy()
        alone[source] = False
        bare = np.flatnonzero(alone).astype(np.int32)
        record, source = np.append(record, bare), np.append(source, bare)
        kinds = view.kinds[record]
        kinds[len(record) - len(bare) :] = view.names.code(EPISODIC)
        told = evidence(view, query)
        scores = mixed(told.words[source], told.meaning[record], self.lexical)
        chosen = self._chosen(view, kinds, scores)
        turns, place = np.unique(source[chosen], return_inverse=True)
        top = np.zeros(len(turns), dtype=np.float32)
        np.maximum.at(top, place, scores[chosen])
        return best("typed", turns, top, self.most, why=told.why)

    def _chosen(self, view: View, kinds: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Places of the records that answer."""
        told = np.flatnonzero(scores > 0)
        order = told[np.argsort(-scores[told], kind="stable")]
        if self.pools == "single":
            return order[: self.k * len(TYPES)]
        codes = [view.names.code(kind) for kind in TYPES]
        return np.concatenate([order[kinds[order] == code][: self.k] for code in codes])
