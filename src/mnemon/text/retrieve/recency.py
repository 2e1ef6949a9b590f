"""Recency and strength: cubes that are new, or often and lately used, whatever the question.

The base-level activation of ACT-R: every use of a memory leaves a trace that fades as a power of
its age, and the traces add up. What a cube says being true is its first use; a read by search or
recall is another, a judgement "helpful" counts as some; and judgements make it stronger or weaker.

Anderson & Schooler 1991, "Reflections of the Environment in Memory", Psychological Science 2(6),
https://doi.org/10.1111/j.1467-9280.1991.tb00174.x, B = ln(sum of t^-d), d = 0.5; since the store
counts reads and remembers only the last: Petrov 2006, "Computationally Efficient Approximation of
the Base-Level Learning Equation in ACT-R", ICCM, http://alexpetrov.net/pub/iccm06/, with k = 1,
spreads the others evenly over the cube's life. How ours differs: no logarithm, which orders alike;
judgements; ages count to the end of the day, so that within a day only use changes an answer. A
prior says nothing of whether a cube answers: the ceiling is infinite, so that fusions take no
strength from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mnemon.store.view import View
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best, nothing

__all__ = ["Recency"]

_DAY = 86_400_000_000


@dataclass(frozen=True)
class Recency:
    """Options.

    Attributes:
        d: how fast a trace fades, between 0 and 1; 0.5 in the papers.
        helpful: uses that one judgement "helpful" is worth.
        youngest: days; nothing is newer.
        look: so many of the newest are considered, and as many of the best of every channel before.
        most: at most so many cubes are returned.
    """

    d: float = 0.5
    helpful: float = 2.0
    youngest: float = 1 / 24
    look: int = 100
    most: int = 100

    def expand(self, view: View, query: Query, rankings: Mapping[str, Ranking]) -> Ranking:
        """The newest and the best of others, by how strong the memory of them is."""
        found = self._considered(view, rankings)
        if not len(found):
            return nothing("recency")
        usage = view.usage(found.tolist())
        now = view.now if query.at is None else query.at
        scores = self.strengths(now, view.valid_from[found], usage)
        why = partial(self._why, view, now)
        return best("recency", found, scores.astype(np.float32), self.most, np.inf, why)

    def strengths(self, now: int, since: np.ndarray, usage: np.ndarray) -> np.ndarray:
        """float64 [C] of cubes true since some microseconds int64 [C], with `View.usage` [C, 4]."""
        reads, last, helpful, unhelpful = usage.astype(np.float64).T
        midnight = now // _DAY * _DAY + _DAY
        age = np.maximum((midnight - since) / _DAY, self.youngest)
        idle = np.where(last > 0, np.clip((midnight - last) / _DAY, self.youngest, age), age)
        uses = reads + self.helpful * helpful
        span = np.maximum(age - idle, 1e-9)
        spread = (age ** (1.0 - self.d) - idle ** (1.0 - self.d)) / ((1.0 - self.d) * span)
        spread = np.where(age - idle > 1e-6, spread, age**-self.d)  # all uses at one moment
        judged = (helpful + 1.0) / (helpful + unhelpful + 2.0) * 2.0
        strengths: np.ndarray = judged * (idle**-self.d + uses * spread)
        return strengths

    def _considered(self, view: View, rankings: Mapping[str, Ranking]) -> np.ndarray:
        eligible = np.flatnonzero(view.eligible)
        if len(eligible) > self.look:
            newest = np.argpartition(-view.valid_from[eligible], self.look - 1)[: self.look]
            eligible = eligible[newest]
        best_of_others = [ranking.indices[: self.look] for ranking in rankings.values()]
        found: np.ndarray = np.unique(np.concatenate([eligible, *best_of_others]))
        return found

    def _why(self, view: View, now: int, indices: Sequence[int]) -> list[str]:
        """Age in days, and use."""
        told = []
        for index, (reads, _, helpful, unhelpful) in zip(
            indices, view.usage(list(indices)).tolist(), strict=True
        ):
            days = max(0, (now - int(view.valid_from[index])) // _DAY)
            parts = ["of today" if not days else f"{days} day{'s' if days > 1 else ''} old"]
            counts = ((reads, "read"), (helpful, "helpful"), (unhelpful, "unhelpful"))
            parts += [f"{word} {count}×" for count, word in counts if count]
            told.append(", ".join(parts))
        return told
