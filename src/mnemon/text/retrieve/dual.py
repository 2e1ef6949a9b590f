"""Dual: a running summary that is always there, and the turns worth keeping, by likeness.

HEMA: a compact memory, one sentence of everything so far, stands before every answer; a vector
memory of verbatim chunks is searched by cosine; chunks whose salience, weighted by age, is lowest
are no longer searched. Ahn 2025, "HEMA: A Hippocampus-Inspired Extended Memory Architecture for
Long-Context AI Conversations", https://arxiv.org/abs/2504.16754. How ours differs: the summary is
quoted (`maintain/running_summary.py`); salience is the rarity of all a turn's words, doubled where
one speaks of oneself, less where one asks, halved with every `half_life` of age; similarity is
BM25 and cosine (`lexical` 0 is the paper's cosine); nothing is pruned below `full` turns, and what
is pruned stays in the store. `lexical` and the factors of salience were chosen on LoCoMo.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mnemon.store.view import View
from mnemon.text import facets
from mnemon.text.kinds import GIST
from mnemon.text.lexicon import joined, lexicon
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best
from mnemon.text.retrieve._evidence import evidence, mixed
from mnemon.text.retrieve._records import records

__all__ = ["Dual"]

_ABOVE = 1e-3
_DAY = 24 * 3600 * 1_000_000


@dataclass(frozen=True)
class Dual:
    """Options.

    Attributes:
        summary: whether the running summary comes first, whatever the question.
        chunks: whether turns are searched at all.
        prune: this share of the turns, the least salient ones, is not searched.
        full: with fewer turns than this nothing is pruned.
        half_life: days in which a turn's salience halves.
        asking, own: factors on the salience of turns that ask, and of those in the first person.
        lexical: the share of BM25 in a similarity; the rest is cosine above the average.
        most: at most so many cubes are returned.
    """

    summary: bool = True
    chunks: bool = True
    prune: float = 0.25
    full: int = 100
    half_life: float = 730.0
    asking: float = 0.5
    own: float = 2.0
    lexical: float = 0.7
    most: int = 400

    def retrieve(self, view: View, query: Query) -> Ranking:
        """The running summary, then turns with any evidence."""
        found = records(view)
        gist, _ = found.of(view, GIST)
        pinned = np.unique(gist)[-1:] if self.summary else gist[:0]
        searched = self.searched(view, found.turns) if self.chunks else gist[:0]
        told = evidence(view, query)
        scores = mixed(told.words, told.meaning, self.lexical)
        kept = searched[scores[searched] > 0]
        scores[pinned] = (float(scores[kept].max()) if len(kept) else 0.0) + _ABOVE
        both = np.append(pinned, kept)
        return best("dual", both, scores[both], self.most, why=told.why)

    def searched(self, view: View, turns: np.ndarray) -> np.ndarray:
        """Those of the turns bool [N] that are not pruned, int64, in recording order."""
        among = np.flatnonzero(turns)
        if len(among) < self.full or self.prune <= 0:
            return among
        age = (view.valid_from[among].max() - view.valid_from[among]) / (_DAY * self.half_life)
        salience = self._said(view, among) * np.exp2(-age)
        pruned = math.ceil(self.prune * len(among))
        kept = np.argsort(-salience, kind="stable")[: len(among) - pruned]
        return np.sort(among[kept])

    def _said(self, view: View, among: np.ndarray) -> np.ndarray:
        """How much each turn says, float32 [M], whenever it was."""
        where = among.tolist()
        ids, starts = joined(facets.words(view, where))
        rarity = np.add.reduceat(lexicon().weights(ids), starts)
        first = facets.flags(view, where)[:, facets.FLAGS.index("first_person")] > 0
        said: np.ndarray = rarity * np.where(first, np.float32(self.own), np.float32(1.0))
        said *= np.where(view.asks[among], np.float32(self.asking), np.float32(1.0))
        return said
