"""Candidates: the few thousand versions of a big scope that a question may be about.

Those nearest in meaning by the lists, those that hold its rarest terms, and the turns around them,
in which a channel may look for what the turn itself leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.store.index.columns import Columns
from mnemon.store.index.terms import Postings

Step = Callable[[np.ndarray, bool], np.ndarray]
"""(indices, forward) → the next or previous turn of each, -1 where there is none."""

BY_MEANING = 450
BY_WORDS = 600
_MORE = 0.4  # for the root of all: the bigger a scope, the more hold the same words
BUDGET = 150_000
"""Postings read for one question; rare terms first. Common ones only reorder candidates."""

REACH = (4, 3)  # turns before and after
_SURE = 100  # so many of the nearest in meaning bring the turns around them,
_CLOSE = (3, 2)  # fewer on either side,
_CERTAIN = 0.8  # and this share of those with the best words
_ALONE = (0, 0)
_LENDERS = 16_384  # matches that lend to the turns around them
_BLOCK = 2  # 4 turns
_LENT = (
    (True, (0.7, 0.4, 0.1)),
    (False, (0.3, 0.2, 0.1)),
)  # what a match is worth to the turns around it
_SATURATION = 0.5  # as BM25's k1
_LENGTH = 0.017  # what BM25 with b 0.05 makes of a turn without words
_ASKING = 0.85
_LEAST = 0.8  # of the last one's worth, so that no factor lifts what was left out
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
    """Eligible indices likely to rank high by words, int64 [some hundreds], best first."""
    names, said = columns.named(postings)
    most = _by_words(len(eligible))
    telling, common = _split(postings, names)
    scores = np.zeros(len(eligible), dtype=np.float32)
    for term in telling:
        where, counts = postings[term]
        where, counts = where[-BUDGET:], counts[-BUDGET:]  # of a term in everything, the newest
        scores[where] += statistics.rarity(term) * _gain(counts)
    _lend(scores, step)
    found = np.flatnonzero((scores > 0) & eligible)
    gained = scores.take(found)
    if names:
        found, gained = _top(found, gained, 16 * most)
        called = said[columns["speaker"][found]]
        gained += _NAMED * np.log1p(2.0 * statistics.population) * called
    if common:
        found, gained = _top(found, gained, 4 * most)
        for term in common:
            inside, counts = within(found, postings[term])
            gained[inside] += statistics.rarity(term) * _gain(counts)
    if len(found) > most:
        border = np.partition(gained, len(gained) - most)[len(gained) - most]
        close = np.flatnonzero(gained >= _LEAST * border)
        found = found[close]
        worth = _fineness(columns["length"][found], mean_length, columns["asks"][found])
        found, gained = _top(found, gained[close] * worth, most)
    best: np.ndarray = found[np.argsort(-gained, kind="stable")]
    return best


def _by_words(total: int) -> int:
    return BY_WORDS + int(_MORE * math.sqrt(total))


def _fineness(lengths: np.ndarray, mean_length: float, asks: np.ndarray) -> np.ndarray:
    """Factors float32 [M] near 1 by which words count for turns of such lengths, that ask or not:
    what decides between the many that hold one common term."""
    shorter = 1.0 - lengths / (mean_length or 1.0)
    factors: np.ndarray = 1.0 + _LENGTH * shorter
    factors[asks] *= _ASKING
    return factors


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


def _lend(scores: np.ndarray, step: Step) -> None:
    """Add what matches are worth to the turns around them."""
    matches = np.flatnonzero(scores > 0)
    matches, own = _lenders(matches, scores.take(matches))
    for forward, weights in _LENT:
        places, lent = matches, own
        for weight in weights:
            places = step(places, forward)
            there = np.flatnonzero(places >= 0)
            places, lent = places.take(there), lent.take(there)
            scores[places] += weight * lent  # no two have the same neighbour


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


def _top(found: np.ndarray, scores: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The `most` highest of `found` ascending; where the last are equal, those recorded first."""
    if len(found) <= most:
        return found, scores
    border = np.partition(scores, len(scores) - most)[len(scores) - most]
    kept = scores > border
    equal = np.flatnonzero(scores == border)
    kept[equal[: most - np.count_nonzero(kept)]] = True
    return found[kept], scores[kept]


def within(chosen: np.ndarray, postings: Postings) -> Postings:
    """Postings of the versions at `chosen` ascending [M] only, as indices into `chosen`."""
    where, counts = postings
    if not len(where) or not len(chosen):
        return np.zeros(0, np.int32), np.zeros(0, np.float32)
    if len(where) < len(chosen):
        at = np.searchsorted(chosen, where)
        at[at == len(chosen)] = 0
        here = chosen[at] == where
        return at[here].astype(np.int32), counts[here]
    at = np.searchsorted(where, chosen.astype(where.dtype))
    at[at == len(where)] = 0
    here = where[at] == chosen
    return np.flatnonzero(here).astype(np.int32), counts[at[here]]


def around(
    seeds: Sequence[tuple[np.ndarray, tuple[int, int]]], step: Step, total: int
) -> np.ndarray:
    """Seeds and the turns up to (so many before, so many after) them, ascending, of `total`."""
    inside = np.zeros(total, dtype=bool)  # marking is faster than sorting
    for seed, reach in seeds:
        inside[seed] = True
        for forward, steps in zip((False, True), reach, strict=True):
            places = seed
            for _ in range(steps):
                places = step(places, forward)
                places = places[places >= 0]
                inside[places] = True
    return np.flatnonzero(inside)


def gathered(
    nearest: Sequence[np.ndarray], holding: np.ndarray, step: Step, total: int
) -> np.ndarray:
    """One ascending set of candidates by meaning and by words (each best first), the best of them
    with the turns around."""
    certain = int(_CERTAIN * _by_words(total))
    close = [(found[:_SURE], _CLOSE) for found in nearest]
    rest = [(found, _ALONE) for found in (holding[certain:], *(one[_SURE:] for one in nearest))]
    return around([(holding[:certain], REACH), *close, *rest], step, total)


def local_steps(chosen: np.ndarray, step: Step) -> Sequence[np.ndarray]:
    """(before, after) int32 [M+1] as a view has them, among the chosen ones [M]."""
    total = len(chosen)
    made = []
    for forward in (False, True):
        beside = step(chosen, forward)
        at = np.searchsorted(chosen, beside)
        at[at == total] = 0
        at[(beside < 0) | (chosen[at] != beside)] = total
        made.append(np.append(at, total).astype(np.int32))
    return made


def stepping(beside: tuple[np.ndarray, np.ndarray]) -> Step:
    """Steps along (before, after) int32 [N+1] as a view has them."""
    total = len(beside[0]) - 1

    def step(where: np.ndarray, forward: bool) -> np.ndarray:
        found: np.ndarray = beside[forward][where]
        found[found == total] = -1
        return found

    return step
