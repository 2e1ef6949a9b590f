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

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from mnemon.store.view import View
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best
from mnemon.text.retrieve._named import named_speakers, said_by, without_names
from mnemon.text.retrieve._spelling import around, away, spelled, texts_of

__all__ = ["Words"]

_AT_ONCE = 8  # terms: their counts fit a processor's cache


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
        named = named_speakers(view, query)
        terms = without_names(view, query, named)
        scores, ceiling = self._counted(view, terms)
        found = np.flatnonzero((scores > 0) & view.eligible)
        gained = scores.take(found)
        if named:
            bonus = self.speaker * math.log1p(2.0 * view.population)
            gained += bonus * said_by(view, found, named)
            ceiling += bonus
        gained[view.asks.take(found)] *= np.float32(self.asking)
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

    def _counted(self, view: View, terms: Sequence[str]) -> tuple[np.ndarray, float]:
        """What the terms give each version float32 [N], and the most they could have given."""
        scores = np.zeros(len(view.rows), dtype=np.float32)
        if not view.eligible.any():
            return scores, 0.0
        held = [term for term in terms if view.frequency[term]]
        most = [(self.k1 + 1.0) * _rarity(view, term) for term in held]
        for start in range(0, len(held), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            scores += self._gained(view, held[some], most[some])
        unheard = (self.k1 + 1.0) * math.log1p(2.0 * view.population + 1.0)
        return scores, sum(most) + unheard * (len(terms) - len(held))

    def _gained(self, view: View, terms: Sequence[str], most: Sequence[float]) -> np.ndarray:
        """What each version gains by a few terms that may give so much at `most`: float64 [N]."""
        width = len(view.rows) + 1
        counts = self._lent(view, [view.postings[term] for term in terms])
        touched = np.flatnonzero(counts != 0)  # of floats it takes three times as long
        firsts = np.arange(len(terms) + 1) * width
        borders = touched.searchsorted(firsts)
        each = borders[1:] - borders[:-1]
        place = touched - firsts[:-1].repeat(each)
        gained = counts.take(touched)
        relative = view.lengths.take(place) / (view.mean_length or 1.0)
        norm = self.k1 * (1.0 - self.b + self.b * relative)
        return np.bincount(place, np.repeat(most, each) * gained / (gained + norm), width - 1)

    def _lent(self, view: View, postings: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """How often each version has each term, with what it borrows: float32 [T * (N + 1)], a
        term after the other, each with a last place for versions that are not there."""
        width = len(view.rows) + 1
        where = np.concatenate([where for where, _ in postings])
        said = np.concatenate([occurrences for _, occurrences in postings])
        firsts = np.repeat(np.arange(len(postings)) * width, [len(one) for one, _ in postings])
        counts = np.zeros(len(postings) * width, dtype=np.float32)
        counts[firsts + where] = said
        for step, weights in ((view.after, self.following), (view.before, self.preceding)):
            places = where
            for weight in weights:
                places = step.take(places)
                counts[firsts + places] += np.float32(weight) * said  # no two have one neighbour
        counts[width - 1 :: width] = 0.0
        return counts


def _rarity(view: View, term: str) -> float:
    holders = view.frequency[term]
    return math.log1p((view.population - holders + 0.5) / (holders + 0.5))
