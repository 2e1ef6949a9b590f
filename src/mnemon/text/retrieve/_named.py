"""Whom a question names, among those who speak in a view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from weakref import WeakKeyDictionary

import numpy as np

from mnemon import analysis
from mnemon.store.view import Names, View
from mnemon.text.query import Query
from mnemon.text.retrieve._matching import Register, name_words

_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Named:
    """The speakers a question names, as codes ascending, and its words that name them."""

    codes: tuple[int, ...]
    words: frozenset[str]


class _Known:
    """A scope's speakers as far as searches have seen them, and whom the last questions named."""

    def __init__(self) -> None:
        self.register = Register()
        self.answers: dict[tuple[str, bytes], Named] = {}


_known: WeakKeyDictionary[Names, _Known] = WeakKeyDictionary()


def whom(view: View, query: Query) -> Named:
    """The speakers whose name the question spells in one way or another (see `_matching`)."""
    known = _known.setdefault(view.names, _Known())
    present = np.asarray(speakers(view), dtype=np.int32)
    asked = (query.text, present.tobytes())
    found = known.answers.get(asked)
    if found is None:
        codes = present.tolist()
        for code in known.register.codes.symmetric_difference(codes).intersection(codes):
            known.register.add(code, view.names.text(code) or "")
        named, words = known.register.named(query.text, set(codes), lambda word: _heard(view, word))
        found = known.answers[asked] = Named(tuple(sorted(named)), frozenset(words))
        if len(known.answers) > _REMEMBERED:
            for old in list(islice(known.answers, _REMEMBERED // 2)):
                known.answers.pop(old, None)
    return found


def named_speakers(view: View, query: Query) -> list[int]:
    """Codes of the speakers a question names."""
    return list(whom(view, query).codes)


def speakers(view: View) -> list[int]:
    """Codes of everyone who speaks in a view, ascending."""
    counts = np.bincount(view.speakers + 1)  # 20 times np.unique; code -1 is nobody
    return [int(code) for code in np.flatnonzero(counts[1:])]


def without_names(view: View, query: Query, named: Sequence[int]) -> list[str]:
    """The query's terms less the names of those speakers, as they are or as the question has them,
    unless nothing else is left."""
    said = [word for code in named for word in name_words(view.names.text(code) or "")]
    names = {term for word in (*said, *whom(view, query).words) for term in analysis.terms(word)}
    return [term for term in query.terms if term not in names] or list(query.terms)


def _heard(view: View, word: str) -> int:
    return max((view.frequency.get(term, 0) for term in analysis.terms(word)), default=0)
