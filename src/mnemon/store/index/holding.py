"""Holding: the versions of a big scope that hold the words of a question, as BM25 ranks them.

What the channel `words` does for every version of a view, which would take too long here, is done
for the few thousand that come nearest to it by a sum of their matches.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.store.index.candidates import Step, within
from mnemon.store.index.columns import Columns
from mnemon.store.index.lists import best, highest
from mnemon.store.index.terms import Postings

BY_WORDS = 450
BUDGET = 300_000
"""Postings read for one question; rare terms first. Common ones only reorder candidates."""

_LENDERS = 16_384  # matches that lend to the turns around them
_BLOCK = 2  # 4 turns
_FOLLOWING = (0.7, 0.4, 0.1, 0.1)  # what a match is worth to the turns after it,
_PRECEDING = (0.3, 0.2, 0.1)  # and before it
_WEIGHTS = np.array((1.0, *_FOLLOWING, *_PRECEDING), dtype=np.float32)
_LOOKED_AT = 8.0  # times the root of all: the best by a sum of matches, which are looked at closely
_CODED = 16  # terms that are, each two bits of an uint32:
_OFTEN = 3  # more often in a turn counts as this
_SATURATION = 0.5  # as BM25's k1
_LENGTH = 0.05  # as its b
_ASKING = 0.85
_NAMED = 0.3  # of twice the rarest weight, to whom the question names


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the whole scope: `population` cubes, `frequency` term → cubes."""

    population: int
    frequency: Mapping[str, int]

    @classmethod
    def of(
        cls,
        population: int,
        alive: np.ndarray,
        postings: Mapping[str, Postings],
        known: dict[str, int],
    ) -> Statistics:
        """Counted over the versions that are `alive`, bool [N]; `known` remembers counts."""
        every = population == len(alive)
        for term, (where, _) in postings.items():
            if term not in known:
                known[term] = len(where) if every else int(np.count_nonzero(alive[where]))
        return cls(population, {term: known[term] for term in postings})

    def rarity(self, term: str) -> float:
        """What holding a term is worth."""
        holders = self.frequency[term]
        return float(np.log1p((self.population - holders + 0.5) / (holders + 0.5)))


def by_words(
    columns: Columns,
    postings: Mapping[str, Postings],
    statistics: Statistics,
    step: Step,
    eligible: np.ndarray,
    mean_length: float,
) -> np.ndarray:
    """Eligible indices likely to rank high by words, int64 [some hundreds], best first.

    Every match counts for the turns around it as if nothing else were said there, which tells a few
    thousand apart from the rest; of these it is found out how often they and the turns around them
    say each term.
    """
    names, said = columns.named(postings)
    telling, common = _split(postings, names)
    scores, held = _held(postings, statistics, telling, len(eligible))
    _lend(scores, _matches([postings[term][0][-BUDGET:] for term in telling]), step)
    scores = scores[:-1]
    most = int(_LOOKED_AT * math.sqrt(len(eligible)))
    keep = most * (4 if names else 2 if common else 1)
    found = best(scores, eligible, keep, above=0.0)
    gained = scores.take(found)
    called = said.take(columns["speaker"].take(found), mode="wrap")  # nobody, -1, is the last
    bonus = np.float32(_NAMED * math.log1p(2.0 * statistics.population)) * called
    own = np.zeros(len(found), dtype=np.float32)
    for term in common:
        inside, counts = within(found, postings[term])
        own[inside] += statistics.rarity(term) * _gain(counts)
    kept = _top(gained + bonus + own, most)
    found, rest = found.take(kept), bonus.take(kept) + own.take(kept)
    lengths = columns["length"].take(found)
    norms = _SATURATION * (1.0 - _LENGTH + _LENGTH * lengths / (mean_length or 1.0))
    said_near = held.take(_beside(found, step))
    rarities = [statistics.rarity(term) for term in telling[:_CODED]]
    gained = rest + _gained(said_near, rarities, norms)
    gained[columns["asks"].take(found)] *= _ASKING
    return highest(found, gained, BY_WORDS)


def _held(
    postings: Mapping[str, Postings], statistics: Statistics, terms: Sequence[str], total: int
) -> tuple[np.ndarray, np.ndarray]:
    """(what terms are worth where they stand, float32 [N + 1]; how often each of the first `_CODED`
    stands there, two bits of uint32 [N + 1] each). The last is no turn's: -1 points there."""
    scores, held = np.zeros(total + 1, dtype=np.float32), np.zeros(total + 1, dtype=np.uint32)
    for place, term in enumerate(terms):
        where, counts = postings[term]
        where, counts = where[-BUDGET:], counts[-BUDGET:]  # of a term in everything, the newest
        at = where.astype(np.intp)
        # In one pass: `scores[at] += …` reads them all, adds, and writes them all.
        np.add.at(scores, at, statistics.rarity(term) * _gain(counts))
        if place < _CODED:
            often = np.minimum(counts, _OFTEN).astype(np.uint32)
            np.add.at(held, at, often << np.uint32(2 * place))
    return scores, held


def _matches(lists: Sequence[np.ndarray]) -> np.ndarray:
    """What is in any of some lists of indices, ascending, int [M]: sorting them is faster than
    looking through all versions."""
    if not lists:
        return np.zeros(0, dtype=np.intp)
    every = np.sort(np.concatenate(lists))
    first = np.ones(len(every), dtype=bool)
    np.not_equal(every[1:], every[:-1], out=first[1:])
    return every[first].astype(np.intp)


def _beside(found: np.ndarray, step: Step) -> np.ndarray:
    """Places int64 [8, M] of versions and the turns around them, as in `_WEIGHTS`; -1: none."""
    places = [found]
    for forward, count in ((False, len(_FOLLOWING)), (True, len(_PRECEDING))):
        at = found
        for _ in range(count):
            at = np.where(at < 0, -1, step(at, forward))
            places.append(at)
    return np.stack(places)


def _gained(near: np.ndarray, rarities: Sequence[float], norms: np.ndarray) -> np.ndarray:
    """BM25 float32 [M] of turns that borrow, as the channel `words` has it."""
    total = np.zeros(near.shape[1], dtype=np.float32)
    for place, rarity in enumerate(rarities):
        said = _WEIGHTS @ ((near >> np.uint32(2 * place)) & np.uint32(_OFTEN)).astype(np.float32)
        total += (_SATURATION + 1.0) * rarity * said / (said + norms)
    return total


def _split(postings: Mapping[str, Postings], names: Collection[str]) -> tuple[list[str], list[str]]:
    """(terms within the budget, the others); always one of the first, if anything holds one.

    Names of speakers stand wherever these are addressed: they count only where nothing else does.
    """
    held = [term for term, (where, _) in postings.items() if len(where)]
    terms = [term for term in held if term not in names] or held
    terms.sort(key=lambda term: len(postings[term][0]))
    spent = np.cumsum([len(postings[term][0]) for term in terms])
    border = max(1, int(np.searchsorted(spent, BUDGET, side="right")))
    return terms[:border], terms[border:]


def _gain(counts: np.ndarray) -> np.ndarray:
    gain: np.ndarray = counts * (_SATURATION + 1.0) / (counts + _SATURATION)
    return gain


def _lend(scores: np.ndarray, matches: np.ndarray, step: Step) -> None:
    """Add what matches are worth to the turns around them; the last of `scores` is no turn's."""
    matches, own = _lenders(matches, scores.take(matches))
    for forward, weights in ((True, _FOLLOWING[:3]), (False, _PRECEDING)):
        places, lent = matches, own
        for weight in weights:
            places = step(places, forward)
            lent = lent * (places >= 0)  # and nothing from there on
            np.add.at(scores, places.astype(np.intp), weight * lent)


def _lenders(matches: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The matches that are worth most with those that were recorded beside them, and their worth:
    in most stores these are the turns around them, and little comes of a match far from others."""
    if len(matches) <= _LENDERS:
        return matches, own
    blocks = (matches >> _BLOCK) + 1
    worth = np.bincount(blocks, own, int(blocks.max()) + 2)
    worth[1:-1] += worth[:-2] + worth[2:]
    near = worth.take(blocks)
    kept = np.flatnonzero(near >= np.partition(near, len(near) - _LENDERS)[len(near) - _LENDERS])
    return matches[kept], own[kept]


def _top(scores: np.ndarray, most: int) -> np.ndarray:
    """Places of the `most` highest, ascending; where the last are equal, the first of them."""
    if len(scores) <= most:
        return np.arange(len(scores))
    border = np.partition(scores, len(scores) - most)[len(scores) - most]
    kept = scores > border
    equal = np.flatnonzero(scores == border)
    kept[equal[: most - np.count_nonzero(kept)]] = True
    return np.flatnonzero(kept)
