"""Tiers: short statements first, the raw turns only when these do not support the question.

HyMem: a light tier answers from retrieved summaries; a question that they do not support escalates
to a deep tier, which reads the raw text. Zhao et al. 2026, "HyMem: Hybrid Memory Architecture with
Dynamic Retrieval Scheduling", https://arxiv.org/abs/2602.13933; official code:
https://github.com/xiaochenzhao-svg/HyMem at 1391144f, `hymem/core/memory_system.py` (its k 10 and
k_rough 30; no licence stated; none of it is here). How ours differs: there the LLM that tries to
answer says whether it can; here a question is supported when one statement stands out from the
others (on LoCoMo that tells better what light retrieval would lose than how well the best one
matches, or how much of the question they hold); the deep tier ranks the turns themselves, where
theirs lets an LLM pick among the summaries; no reflection rewrites the question. What a statement
leaves out of its turn, a light answer lacks. `support` and `lexical` were chosen on LoCoMo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.errors import InvalidInput
from mnemon.store.view import View
from mnemon.text.kinds import EVENT
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best
from mnemon.text.retrieve._evidence import Evidence, evidence, mixed
from mnemon.text.retrieve._records import records

__all__ = ["Tiers"]


@dataclass(frozen=True)
class Tiers:
    """Options.

    Attributes:
        tier: `auto`, or `light` or `deep` to force one. Without statements the deep one answers.
        light: so many statements are the light answer.
        deep: so many turns are the deep answer.
        support: by how much, in [0, 1], the best statement must stand out from the last one.
        lexical: the share of BM25 in a similarity; the rest is cosine above the average.
        most: at most so many cubes are returned by either.
    """

    tier: str = "auto"
    light: int = 10
    deep: int = 30
    support: float = 0.2
    lexical: float = 0.7
    most: int = 400

    def __post_init__(self) -> None:
        if self.tier not in ("auto", "light", "deep"):
            raise InvalidInput(f"the tier is {self.tier!r}: 'auto', 'light' or 'deep'")

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Statements (and what was said since they were made), or turns."""
        found = records(view)
        told = evidence(view, query)
        scores = mixed(told.words, told.meaning, self.lexical)
        statements, source = found.of(view, EVENT)
        if len(statements) and self.tier != "deep":
            # What was said since the last upkeep has no statement yet: it stands for itself.
            since = np.flatnonzero(found.turns & (view.rows > view.rows[statements].max()))
            # Who said it and what was said beside it is known of the turn, not of the statement.
            own = mixed(told.words[source], told.meaning[statements], self.lexical)
            scores[statements] = own
            light = self._best(np.append(statements, since), scores, self.light, told)
            if self.tier == "light" or self._stands_out(light) >= self.support:
                return light
        return self._best(np.flatnonzero(found.turns), scores, self.deep, told)

    def _stands_out(self, light: Ranking) -> float:
        """How much better the best statement answers than the last; than nothing, if few do.

        Many statements that answer alike are the sign of a question that none of them settles.
        """
        scores = light.scores
        last = scores[-1] if len(scores) >= self.light else 0.0
        return float(scores[0] - last) if len(scores) else 0.0

    def _best(self, among: np.ndarray, scores: np.ndarray, most: int, told: Evidence) -> Ranking:
        found = among[scores[among] > 0]
        return best("tiers", found, scores[found], min(most, self.most), why=told.why)
