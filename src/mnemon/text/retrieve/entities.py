"""Entities: who and what a cube is about, found in the words themselves, without a model of them.

A question names its entities: people, titles, handles, amounts, and noun phrases such as "support
group" (see `mnemon.text.phrases`). A cube that holds such a phrase as a phrase, or written as one
word, is about it; words of it that merely stand in one cube, or in neighbouring ones, tell less.
Each weighs by how few cubes hold it, and counts more where the person asked about speaks or is
spoken of. A question that names nobody but a speaker gets what he says and what names him.

Metzler & Croft 2005, "A Markov Random Field Model for Term Dependencies", SIGIR,
https://doi.org/10.1145/1076034.1076115, sequential dependence: exact phrases and
windows of adjacent query terms beside single terms. How ours differs: only phrases that may be
entities count, single words are left to the channel `words`; a phrase weighs by its rarity instead
of a smoothed likelihood; and only a bounded number of cubes is read to see whether words stand
together, of the others it is known that they hold them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mnemon import analysis
from mnemon.store.view import View
from mnemon.text.phrases import Phrase, phrases
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best, nothing
from mnemon.text.retrieve._named import Named, whom
from mnemon.text.retrieve._spelling import spelled, texts_of

__all__ = ["Entities"]

_BETWEEN = r"(?:['’]\w+)?[\W_]{0,3}(?:(?:of|the|a|an|and|for|in|on|my|to)\s+){0,2}"
_NOWHERE = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class _Entity:
    """A phrase in a view: float32 [N] how surely each cube holds it, bool [N] which are to be read
    to know, and how rare it is."""

    phrase: Phrase
    held: np.ndarray
    unsure: np.ndarray
    rarity: float


@dataclass(frozen=True)
class Entities:
    """Options.

    Attributes:
        apart: what the words of a phrase are worth in one cube when they do not stand together.
        beside: the same when some stand in the cube and the others in the lines next to it.
        person: how much more a cube counts if the speaker whom the question names says it; seven
            tenths of that if it names him.
        verify: so many cubes are read to see whether words stand together.
        most: at most so many cubes are returned.
    """

    apart: float = 0.4
    beside: float = 0.2
    person: float = 0.3
    verify: int = 64
    most: int = 200

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Cubes that hold a phrase of the question; nothing if it has none."""
        named = whom(view, query)
        asked = phrases(query.text, named.words)
        if not view.eligible.any() or not (asked or named.codes):
            return nothing("entities")
        entities = [self._entity(view, phrase) for phrase in asked]
        scores, ceiling = self._sum(entities, len(view.rows))
        there = view.eligible & (scores > 0)
        if there.any():
            self._verify(view, entities, np.where(there, scores, 0.0))
            scores, ceiling = self._sum(entities, len(view.rows))
        elif named.codes:
            scores, ceiling = _people(view, named)
            there = view.eligible & (scores > 0)
        found = np.flatnonzero(there)
        gained = scores[found] * (1.0 + self.person * _about(view, named)[found])
        if named.codes:
            ceiling *= 1.0 + self.person
        why = partial(self._why, view, asked, named)
        return best("entities", found, gained.astype(np.float32), self.most, ceiling, why)

    def _sum(self, entities: Sequence[_Entity], total: int) -> tuple[np.ndarray, float]:
        scores = np.zeros(total, dtype=np.float32)
        for entity in entities:
            scores += np.float32(entity.rarity) * entity.held
        return scores, sum(entity.rarity for entity in entities) or 1.0

    def _entity(self, view: View, phrase: Phrase) -> _Entity:
        held = np.zeros(len(view.rows), dtype=np.float32)
        unsure = np.zeros(len(view.rows), dtype=bool)
        where = [_where(view, term) for term in phrase.terms]
        if len(where) == 1:
            held[where[0]] = 1.0
        elif all(map(len, where)):
            near, every = _together(view, where)
            held[near] = self.beside
            held[every] = self.apart
            unsure[every] = True
        if len(where) > 1:
            one_word = _where(view, phrase.closed)
            held[one_word] = 1.0
            unsure[one_word] = False
        holders = np.count_nonzero(held >= self.apart)
        rarity = np.log1p((view.population - holders + 0.5) / (holders + 0.5))
        return _Entity(phrase, held, unsure, float(rarity))

    def _verify(self, view: View, entities: Sequence[_Entity], scores: np.ndarray) -> None:
        """Read the likeliest cubes: where the words of a phrase stand together, it is held."""
        unsure = np.logical_or.reduce([entity.unsure for entity in entities])
        likely = np.flatnonzero(unsure & (scores > 0))
        likely = likely[np.argsort(-scores[likely], kind="stable")[: self.verify]]
        texts = texts_of(view, likely.tolist())
        for entity in entities:
            pattern = _pattern(entity.phrase)
            for index, text in texts.items():
                if entity.unsure[index] and pattern.search(_plain(text)):
                    entity.held[index] = 1.0

    def _why(
        self, view: View, asked: Sequence[Phrase], named: Named, indices: Sequence[int]
    ) -> list[str]:
        """The phrases that each cube holds, as it spells them, and the person it is about."""
        texts, told = texts_of(view, indices), []
        about = _about(view, named)
        for index in indices:
            parts = [part for phrase in asked if (part := _told(phrase, texts[index]))]
            if about[index] == 1.0:
                parts.append(f"said by {view.names.text(int(view.speakers[index]))}")
            elif about[index]:
                parts.append(f"names {', '.join(spelled(texts[index], _terms(named)).values())}")
            told.append("; ".join(parts) or "its words are in the lines beside it")
        return told


def _where(view: View, term: str) -> np.ndarray:
    """Which cubes hold a term: int32 indices."""
    where: np.ndarray = view.postings[term][0] if term in view.postings else _NOWHERE
    return where


def _together(view: View, where: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(indices where some of the terms stand and the others here or in the lines beside, indices
    where all stand)."""
    total = len(view.rows)
    rarest = min(where, key=len)
    marked = np.zeros(total + 1, dtype=bool)
    for places in (rarest, view.before[rarest], view.after[rarest]):
        marked[places] = True
    near = np.flatnonzero(marked[:total])
    every, some = np.ones(len(near), dtype=bool), np.zeros(len(near), dtype=bool)
    around = np.ones(len(near), dtype=bool)
    for one in where:
        holds = np.zeros(total + 1, dtype=bool)
        holds[one] = True
        here = holds[near]
        every &= here
        some |= here
        around &= here | holds[view.before[near]] | holds[view.after[near]]
    return near[some & around], near[every]


def _about(view: View, named: Named) -> np.ndarray:
    """float32 [N]: 1.0 where one who is asked about speaks, 0.7 where he is named."""
    about = np.zeros(len(view.rows), dtype=np.float32)
    for term in _terms(named) if named.codes else ():
        about[_where(view, term)] = 0.7
    if named.codes:
        about[np.isin(view.speakers, named.codes)] = 1.0
    return about


def _people(view: View, named: Named) -> tuple[np.ndarray, float]:
    about = _about(view, named)
    holders = np.count_nonzero(about)
    rarity = float(np.log1p((view.population - holders + 0.5) / (holders + 0.5)))
    return about * np.float32(rarity), rarity


def _terms(named: Named) -> set[str]:
    return {term for word in named.words for term in analysis.terms(word)}


def _pattern(phrase: Phrase) -> re.Pattern[str]:
    # A stem is where its words begin, but for a last "y" that became "i".
    stems = [re.escape(term[:-1] if term[-1] == "i" else term) for term in phrase.terms]
    return re.compile(r"\b" + rf"\w*{_BETWEEN}".join(stems) + r"\w*", re.IGNORECASE)


def _plain(text: str) -> str:
    return text if text.isascii() else " ".join(analysis.names(text))


def _told(phrase: Phrase, text: str) -> str:
    """How a text holds a phrase, for people; empty if it does not."""
    if together := _pattern(phrase).search(text if text.isascii() else _plain(text)):
        return f"“{' '.join(together[0].split())}”"
    words = spelled(text, {*phrase.terms, phrase.closed})
    if phrase.closed in words:
        return f"“{words[phrase.closed]}”"
    if len(words) == len(phrase.terms):
        return f"{' … '.join(f'“{word}”' for word in words.values())} (apart)"
    return ""
