"""Words: BM25 over a turn that borrows, at lower weights, the words of the turns around it.

In a conversation the answer often carries none of the question's words; the turn it replies to
does. So a term counts fully where it stands and partly in the turns that follow and precede. A turn
spoken by someone the question names gets a bonus (the name itself is then no term: it stands
wherever that person is addressed), and a turn that asks is worth less than one that tells.

BM25: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond",
https://doi.org/10.1561/1500000019, section 3.4. How ours differs: occurrences are weighted sums
over a turn and its neighbours (section 3.6, BM25F, weights the fields of one document in the same
way); bonus and malus are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from mnemon.store.view import View
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best
from mnemon.text.retrieve._named import named_speakers, without_names
from mnemon.text.retrieve._spelling import around, away, spelled, texts_of

__all__ = ["Words"]


@dataclass(frozen=True)
class Words:
    """Options.

    Attributes:
        k1, b: BM25's saturation and length normalisation. Turns are short, so `b` is low.
        following: what a term is worth in the 1st, 2nd, … turn after the one it stands in.
        preceding: the same for turns before it.
        speaker: bonus for the named speaker's turns, in units of twice the rarest term's weight.
        asking: factor on turns that ask a question.
        most: at most so many cubes are returned.
    """

    k1: float = 0.5
    b: float = 0.05
    following: Sequence[float] = (0.7, 0.4, 0.1, 0.1)
    preceding: Sequence[float] = (0.3, 0.2, 0.1)
    speaker: float = 0.3
    asking: float = 0.85
    most: int = 400

    version: ClassVar[int] = 2  # names spelled in other ways

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Cubes that hold a term of the query, or stand near one that does."""
        total = len(view.rows)
        scores = np.zeros(total + 1, dtype=np.float32)  # the last place swallows "no neighbour"
        ceiling = 0.0
        named = named_speakers(view, query)
        terms = without_names(view, query, named)
        if view.eligible.any():
            norm = self._norm(view)
            for term in terms:
                ceiling += self._count(view, term, norm, scores)
        found = np.flatnonzero((scores[:total] > 0) & view.eligible)
        gained = scores[found]
        if named:
            bonus = self.speaker * np.log1p(2.0 * view.population)
            gained += bonus * np.isin(view.speakers[found], named)
            ceiling += bonus
        gained *= np.where(view.asks[found], np.float32(self.asking), np.float32(1.0))
        why = partial(self._why, view, frozenset(terms), frozenset(named))
        return best("words", found, gained, self.most, ceiling, why)

    def _why(
        self, view: View, terms: frozenset[str], named: frozenset[int], indices: Sequence[int]
    ) -> list[str]:
        """The words of the question that each turn holds, and those that it borrows."""
        beside = {i: around(view, i, len(self.following), len(self.preceding)) for i in indices}
        near = {place for lines in beside.values() for _, place in lines}
        said = {i: spelled(text, terms) for i, text in texts_of(view, {*indices, *near}).items()}
        told = []
        for index in indices:
            own = said[index]
            parts = [f"matches {', '.join(dict.fromkeys(own.values()))}"] if own else []
            seen = set(own)
            for lines, place in beside[index]:
                if words := [word for term, word in said[place].items() if term not in seen]:
                    # What the search leaves out, for its filter or for the reader, is not quoted.
                    what = ", ".join(words) if view.eligible[place] else "a match"
                    parts.append(f"beside {what} ({away(lines)})")
                    seen.update(said[place])
            if int(view.speakers[index]) in named:
                parts.append(f"said by {view.names.text(int(view.speakers[index]))}")
            told.append("; ".join(parts))
        return told

    def _norm(self, view: View) -> np.ndarray:
        relative = view.lengths / (view.mean_length or 1.0)
        norm: np.ndarray = self.k1 * (1.0 - self.b + self.b * relative)
        return norm

    def _count(self, view: View, term: str, norm: np.ndarray, scores: np.ndarray) -> float:
        """Add what a term gives to `scores`; the most it could have given."""
        where, occurrences = view.postings[term]
        if not view.frequency[term]:
            return float(np.log1p(2.0 * view.population + 1.0) * (self.k1 + 1.0))
        counts = np.zeros(len(scores), dtype=np.float32)
        counts[where] = occurrences
        for step, weights in ((view.after, self.following), (view.before, self.preceding)):
            places = where
            for weight in weights:
                places = step[places]
                np.add.at(counts, places, weight * occurrences)
        counts[-1] = 0.0
        touched = np.flatnonzero(counts)
        holders = view.frequency[term]
        rarity = np.log1p((view.population - holders + 0.5) / (holders + 0.5))
        gained = counts[touched]
        scores[touched] += rarity * gained * (self.k1 + 1.0) / (gained + norm[touched])
        return float(rarity * (self.k1 + 1.0))
