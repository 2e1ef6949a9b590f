"""Granularities: turns ranked by what speaks for them as turn, session, summary and keywords.

MemGAS: each session is kept at four granularities. For a question, the Shannon entropy of the
similarities at each says how sure it is: the surer, the more it weighs. Units that are alike are
associated: of the candidates nearest to a unit, those that a mixture of two Gaussians puts into the
upper one. A personalised PageRank starts at the units in proportion to weighted similarity, follows
these edges now and then, and what it gathers at all granularities of a session is its score.

Xu et al. 2025, "From Single to Multi-Granularity: Toward Long-Term Memory Association and Selection
of Conversational Agents", https://arxiv.org/abs/2505.19549; official code, none of it here, no
licence stated: https://github.com/quqxui/MemGAS at 8babfbcc, `src/construct/construct_asso.py` and
`src/retrieval/run_retrieval.py`. How ours differs: turns are ranked, not sessions, so a turn
gathers its own score and a part (`coarse`) of that of its session's units; summaries and keywords
are extracted; similarity is BM25 and cosine (`lexical` 0 is the paper's cosine); a granularity
weighs one less its entropy over the most that it could have, for they have different numbers of
units (the official code's weights rise with entropy, against the paper's text); edges are looked
for from the best units only, when asked, so that none can be outdated; a walker who takes none of a
unit's accepted edges stops; no LLM filters the result. `coarse` and `lexical` were chosen on
LoCoMo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.blas import with_vector
from mnemon.errors import InvalidInput
from mnemon.store.view import View
from mnemon.text.kinds import KEYWORDS, SUMMARY
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best, nothing
from mnemon.text.retrieve import _router
from mnemon.text.retrieve._evidence import Evidence, evidence, likeness, mixed, pooled_words
from mnemon.text.retrieve._mixture import upper
from mnemon.text.retrieve._named import named_speakers, without_names
from mnemon.text.retrieve._records import records
from mnemon.text.retrieve._talks import first_turns
from mnemon.text.retrieve._walk import walk

__all__ = ["Granularities"]

TURN, SESSION = "turn", "session"
GRANULARITIES = (TURN, SESSION, SUMMARY, KEYWORDS)


@dataclass(frozen=True, slots=True)
class _Units:
    """One granularity: U units with similarity float32 [U] to the question and vectors [U, D] (or
    None), and `of` int32 [T], the unit that each turn belongs to, -1 for none."""

    name: str
    similarity: np.ndarray
    vectors: np.ndarray | None
    of: np.ndarray


@dataclass(frozen=True)
class Granularities:
    """Options.

    Attributes:
        use: which granularities, of `turn`, `session`, `summary`, `keywords`: a list, or a text
            with blanks between them.
        router: `entropy`, or `uniform` for equal weights.
        coarse: what part of its session's, summary's and keywords' scores a turn has.
        temperature: of the softmax whose entropy is taken (the official code's 0.1).
        lexical: the share of BM25 in a similarity; the rest is cosine above the average.
        seeds: from so many units edges are looked for (the official code's 15).
        candidates: to so many units nearest to each (the official code's 30).
        damping: how often the walk goes on (the official code's 0.1); 0 is no association.
        most: at most so many turns are returned.
    """

    use: str | Sequence[str] = GRANULARITIES
    router: str = "entropy"
    coarse: float = 0.1
    temperature: float = 0.1
    lexical: float = 0.7
    seeds: int = 15
    candidates: int = 30
    damping: float = 0.1
    most: int = 400

    def __post_init__(self) -> None:
        for name in self._used():
            if name not in GRANULARITIES:
                known = ", ".join(GRANULARITIES)
                raise InvalidInput(f"no granularity is called {name!r}: there are {known}")
        if self.router not in ("entropy", "uniform"):
            raise InvalidInput(f"the router is {self.router!r}: say 'entropy' or 'uniform'")

    def _used(self) -> Sequence[str]:
        return self.use.split() if isinstance(self.use, str) else self.use

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Turns for which any granularity speaks."""
        told = evidence(view, query)
        turns, parts = self._parts(view, query, told)
        similarities = [part.similarity for part in parts]
        weights = np.full(len(parts), 1.0 / max(1, len(parts)))
        if self.router == "entropy":
            weights = _router.weights(similarities, self.temperature)
        scores = self._walked(parts, weights) if len(turns) else np.zeros(0)
        if not scores.any():
            return nothing("granularities")
        own = mixed(told.words, told.meaning, self.lexical)[turns]
        scores = (scores / scores.max() * max(float(own[scores.argmax()]), 1e-3)).astype(np.float32)
        found = scores > 0
        return best("granularities", turns[found], scores[found], self.most, why=told.why)

    def _parts(self, view: View, query: Query, told: Evidence) -> tuple[np.ndarray, list[_Units]]:
        """The turns int64 [T], and those granularities in use that there is any unit of."""
        found = records(view)
        turns = np.flatnonzero(found.turns)
        terms = without_names(view, query, named_speakers(view, query))
        parts = []
        for name in (name for name in GRANULARITIES if name in self._used()):
            if name == TURN:
                similarity = mixed(told.words, told.meaning, self.lexical)[turns]
                vectors = None if view.vectors is None else view.vectors[turns]
                parts.append(_Units(name, similarity, vectors, np.arange(len(turns))))
            elif name == SESSION:
                parts.append(self._sessions(view, query, turns, terms))
            else:
                of = np.full(len(view.rows), -1, dtype=np.int64)
                record, source = found.of(view, name)
                those, of[source] = np.unique(record, return_inverse=True)
                vectors = None if view.vectors is None else view.vectors[those]
                by_words = pooled_words(view, terms, those, np.arange(len(those)), len(those))
                parts.append(self._units(name, by_words, vectors, of[turns], query))
        return turns, [part for part in parts if len(part.similarity)]

    def _sessions(
        self, view: View, query: Query, turns: np.ndarray, terms: Sequence[str]
    ) -> _Units:
        """Sessions as the sums of their turns."""
        firsts, unit = np.unique(first_turns(view)[turns], return_inverse=True)
        vectors = None
        if view.vectors is not None and len(turns):
            order = np.argsort(unit, kind="stable")
            starts = np.searchsorted(unit[order], np.arange(len(firsts)))
            vectors = np.add.reduceat(view.vectors[turns[order]], starts, axis=0)
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        by_words = pooled_words(view, terms, turns, unit, len(firsts))
        return self._units(SESSION, by_words, vectors, unit, query)

    def _units(
        self,
        name: str,
        by_words: np.ndarray,
        vectors: np.ndarray | None,
        of: np.ndarray,
        query: Query,
    ) -> _Units:
        by_meaning = np.zeros_like(by_words) if vectors is None else likeness(vectors, query)
        return _Units(name, mixed(by_words, by_meaning, self.lexical), vectors, of)

    def _walked(self, parts: Sequence[_Units], weights: np.ndarray) -> np.ndarray:
        """float64 [T]: what the walk gathers at all the units of each turn."""
        factors = [1.0 if part.name == TURN else self.coarse for part in parts]
        start = np.concatenate(
            [w * f * p.similarity for w, f, p in zip(weights, factors, parts, strict=True)]
        ).astype(np.float64)
        if not start.any():
            return np.zeros(len(parts[0].of))
        place = start / start.sum()
        if self.damping > 0:
            place = walk(place, self._edges(parts, start), self.damping, self.candidates)
        scores, first = np.zeros(len(parts[0].of)), 0
        for part in parts:
            gathered = np.append(place[first : first + len(part.similarity)], 0.0)
            scores += gathered[part.of]
            first += len(part.similarity)
        return scores

    def _edges(self, parts: Sequence[_Units], start: np.ndarray) -> np.ndarray:
        """int64 [E, 2]: which units the seeds are associated with."""
        vectors = [part.vectors for part in parts if part.vectors is not None]
        if not vectors or len(start) < 3:
            return np.zeros((0, 2), dtype=np.int64)
        units = np.concatenate(vectors)
        seeds = np.argsort(-start, kind="stable")[: self.seeds]
        alike = np.stack([with_vector(units, units[seed]) for seed in seeds])
        alike[np.arange(len(seeds)), seeds] = -1.0  # nothing is associated with itself
        near = np.argsort(-alike, axis=1, kind="stable")[:, : min(self.candidates, len(units) - 1)]
        which, column = np.nonzero(upper(np.take_along_axis(alike, near, axis=1)))
        ends = np.sort(np.stack([seeds[which], near[which, column]], axis=1), axis=1)
        return np.unique(ends, axis=0).astype(np.int64)
