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
    """A scope's speakers as far as searches have seen them, and whom the last questions named.

    `present`: who speaks in the view last looked at, which a search asks several times, and the
    words of their names. One tuple, so that other threads see all of it or nothing.
    """

    def __init__(self) -> None:
        self.register = Register()
        self.answers: dict[tuple[str, bytes], Named] = {}
        self.present: tuple[np.ndarray, list[int], frozenset[str]] | None = None


_known: WeakKeyDictionary[Names, _Known] = WeakKeyDictionary()


def whom(view: View, query: Query) -> Named:
    """The speakers whose name the question spells in one way or another (see `_matching`)."""
    known = _of(view)
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
    return _present(view)[1]


def words_of_speakers(view: View) -> frozenset[str]:
    """The words of all their names: they tell who, not what."""
    return _present(view)[2]


def said_by(view: View, indices: np.ndarray, named: Sequence[int]) -> np.ndarray:
    """bool, of the shape of `indices`: those that one of `named` says; N, no version, is not."""
    who = view.speakers.take(indices, mode="clip")
    called = np.zeros(len(view.names) + 1, dtype=bool)  # the last is where nobody, -1, points
    called[list(named)] = True
    said: np.ndarray = called[who] & (indices < len(view.speakers))
    return said


def _of(view: View) -> _Known:
    known = _known.get(view.names)
    return _known.setdefault(view.names, _Known()) if known is None else known


def _present(view: View) -> tuple[np.ndarray, list[int], frozenset[str]]:
    known = _of(view)
    found = known.present
    if found is None or found[0] is not view.speakers:
        counts = np.bincount(view.speakers + 1)  # 20 times np.unique; code -1 is nobody
        codes = np.flatnonzero(counts[1:]).tolist()
        if found is None or found[1] != codes:
            names = [view.names.text(code) or "" for code in codes]
            words = frozenset(word for name in names for word in analysis.names(name))
        else:
            words = found[2]
        found = known.present = (view.speakers, codes, words)
    return found


def without_names(view: View, query: Query, named: Sequence[int]) -> list[str]:
    """The query's terms less the names of those speakers, as they are or as the question has them,
    unless nothing else is left."""
    said = [word for code in named for word in name_words(view.names.text(code) or "")]
    names = {term for word in (*said, *whom(view, query).words) for term in analysis.terms(word)}
    return [term for term in query.terms if term not in names] or list(query.terms)


def _heard(view: View, word: str) -> int:
    return max((view.frequency.get(term, 0) for term in analysis.terms(word)), default=0)
