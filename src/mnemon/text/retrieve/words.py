"""Words: BM25 over a turn that borrows, at a lower weight, the words of the turns around it.

In a conversation the answer often carries none of the question's words; the turn it replies to
does. So a term counts fully where it stands, `near` times in the turns right before and after, and
`far` times two turns away; a turn spoken by someone the question names gets a bonus.

BM25: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond",
section 3.4. How ours differs: occurrences are weighted sums over a turn and its neighbours (the
paper's BM25F weights fields of one document, section 3.6, in the same way), and the speaker bonus.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.store.view import View
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best
from mnemon.text.retrieve._named import named_speakers

__all__ = ["Words"]


@dataclass(frozen=True)
class Words:
    """Options: BM25's `k1` and `b`; neighbour weights `near`, `far`; `speaker` bonus in units of
    one term as rare as terms get; at most `most` cubes are returned."""

    k1: float = 1.2
    b: float = 0.4
    near: float = 0.4
    far: float = 0.15
    speaker: float = 0.4
    most: int = 400

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Cubes that hold a term of the query, or stand beside one that does."""
        total = len(view.rows)
        population = int(np.count_nonzero(view.eligible))
        scores = np.zeros(total + 1, dtype=np.float32)  # the last place swallows "no neighbour"
        if population:
            norm = self._norm(view)
            for term in query.terms:
                self._count(view, term, norm, population, scores)
        found = np.flatnonzero((scores[:total] > 0) & view.eligible)
        self._favour(view, query, found, population, scores)
        return best("words", found, scores[found], self.most)

    def _norm(self, view: View) -> np.ndarray:
        lengths = view.lengths
        mean = float(lengths[view.eligible].mean()) or 1.0
        return self.k1 * (1.0 - self.b + self.b * lengths / mean)

    def _count(
        self, view: View, term: str, norm: np.ndarray, population: int, scores: np.ndarray
    ) -> None:
        where, occurrences = view.postings[term]
        if not len(where):
            return
        counts = np.zeros(len(scores), dtype=np.float32)
        counts[where] = occurrences
        near_before, near_after = view.before[where], view.after[where]
        for weight, places in (
            (self.near, (near_before, near_after)),
            (self.far, (_step(view.before, near_before), _step(view.after, near_after))),
        ):
            for place in places:
                np.add.at(counts, place, weight * occurrences)
        counts[-1] = 0.0
        touched = np.flatnonzero(counts)
        holders = int(np.count_nonzero(view.eligible[where]))
        rarity = np.log1p((population - holders + 0.5) / (holders + 0.5))
        gained = counts[touched]
        scores[touched] += rarity * gained * (self.k1 + 1.0) / (gained + norm[touched])

    def _favour(
        self, view: View, query: Query, found: np.ndarray, population: int, scores: np.ndarray
    ) -> None:
        named = named_speakers(view, query)
        if named and len(found):
            rarest = np.log1p((population + 0.5) / 0.5)
            scores[found[np.isin(view.speakers[found], named)]] += self.speaker * rarest


def _step(link: np.ndarray, places: np.ndarray) -> np.ndarray:
    """One neighbour further; N stays N."""
    padded = np.append(link, np.int32(len(link)))
    return padded[places]
