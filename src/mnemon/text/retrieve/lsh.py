"""LSH: the buckets nearest to the question, then cosine within them.

Think-in-Memory finds thoughts in two stages: locality-sensitive hashing gives a group, similarity
within the group the thoughts. Liu et al. 2023, "Think-in-Memory: Recalling and Post-thinking Enable
LLMs with Long-Term Memory", https://arxiv.org/abs/2311.08719. How ours differs: the
paper looks into the one bucket of one table (`tables=1`, `share=0`); there most of what is nearest
to a question lies elsewhere, so ours asks many tables (`text/hyperplanes.py`) and looks at a set
share of the cubes, those whose buckets lie nearest. Among candidates that an index has already
chosen from a big scope, all are looked at.

It saves reading vectors, not time: while they are in memory, asking 32 tables costs about as much
as comparing everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from mnemon.blas import with_vector
from mnemon.errors import InvalidInput
from mnemon.store.view import Names, View
from mnemon.text import hyperplanes
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best, nothing

__all__ = ["LSH"]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A scope's tables, and what they were made of: rows int64 [N], the vectors' first elements."""

    tables: hyperplanes.Tables
    rows: np.ndarray
    firsts: np.ndarray


_kept: WeakKeyDictionary[Names, dict[tuple[int, int, int], _Kept]] = WeakKeyDictionary()


@dataclass(frozen=True)
class LSH:
    """Options.

    Attributes:
        tables, bits: how many tables, of `2 ** bits` buckets each (at most 16 bits).
        share: of the eligible cubes, look at this many, by the nearness of their buckets; 0 looks
            into the question's own buckets only.
        few: look at this many in any case, if `share` is not 0.
        seed: of the random planes.
        least: cosine worth returning.
        most: at most so many cubes are returned.
    """

    tables: int = 32
    bits: int = 8
    share: float = 0.18
    few: int = 50
    seed: int = 0
    least: float = 0.05
    most: int = 400

    def __post_init__(self) -> None:
        if self.tables < 1 or not 1 <= self.bits <= 16:
            raise InvalidInput(
                f"{self.tables} tables of {self.bits} bits: use 1 table or more, of 1 to 16 bits"
            )

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Cubes in the nearest buckets, closest in meaning first."""
        if view.vectors is None or query.vector is None or not query.vector.any():
            return nothing("lsh")
        touched = self.touched(view, query.vector)
        scores = with_vector(view.vectors[touched], query.vector)
        near = scores > self.least
        said = dict(zip(touched[near].tolist(), scores[near].tolist(), strict=True))

        def why(indices: Sequence[int]) -> list[str]:
            return [f"similarity {said[index]:.2f}, in a near bucket" for index in indices]

        return best("lsh", touched[near], scores[near], self.most, why=why)

    def touched(self, view: View, vector: np.ndarray) -> np.ndarray:
        """Indices int64 [M] of the eligible cubes whose vectors are compared with the query's
        float32 [D], in recording order."""
        among = np.flatnonzero(view.eligible)
        if view.regime != "whole":
            return among
        chosen: np.ndarray
        if self.share <= 0.0:
            chosen = among[self._hashed(view).own(vector)[among]]
            return chosen
        count = max(self.few, int(self.share * len(among)))
        if count >= len(among):
            return among
        away = self._hashed(view).distances(vector)[among]
        chosen = np.sort(among[np.argsort(away, kind="stable")[:count]])
        return chosen

    def _hashed(self, view: View) -> hyperplanes.Tables:
        """The scope's tables, made on first use and extended as cubes come."""
        assert view.vectors is not None
        kept = _kept.setdefault(view.names, {})
        firsts = view.vectors[:, 0].copy()
        known = kept.get((self.tables, self.bits, self.seed))
        if known is not None and _still(known, view.rows, firsts):
            there = len(known.rows)
            if there == len(view.rows):
                return known.tables
            tables = hyperplanes.extended(known.tables, view.vectors[there:])
        else:
            tables = hyperplanes.hashed(view.vectors, self.tables, self.bits, self.seed)
        kept[self.tables, self.bits, self.seed] = _Kept(tables, view.rows.copy(), firsts)
        return tables


def _still(known: _Kept, rows: np.ndarray, firsts: np.ndarray) -> bool:
    """Whether what is known is the beginning of what is there now, under the same centre. The first
    element of each vector tells another embedding space apart."""
    there = len(known.rows)
    return (
        there > 0
        and there.bit_length() == len(rows).bit_length()
        and np.array_equal(known.rows, rows[:there])
        and np.array_equal(known.firsts, firsts[:there])
    )
