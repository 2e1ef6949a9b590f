"""Facets of a turn: its words and what kind of thing it says. Read once, kept with the scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from mnemon import analysis
from mnemon.store.view import Names, View
from mnemon.text.lexicon import lexicon
from mnemon.text.retrieve._named import speakers

_MOST = 50_000
_FIRST = re.compile(r"\b(?:i|my|me|mine|we|our|us)\b|\b(?:i|we)['’]", re.IGNORECASE)
_NUMBER = re.compile(
    r"\b(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twice|once|couple|few|several"
    r"|dozen|half)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:yesterday|today|tomorrow|tonight|last|next|ago|weeks?|weekend|months?|years?|since"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|morning|evening|january|february"
    r"|march|april|june|july|august|september|october|november|december|(?:19|20)\d\d)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+")
_PLACE = re.compile(r"\b(?:in|at|to|from|near) [A-Z]\w+")


FLAGS = ("first_person", "number", "time", "place", "names")
"""What a turn speaks of: 0 or 1 each, and how many names (at most 5)."""


class _Kept(NamedTuple):
    words: dict[int, np.ndarray]
    flags: dict[int, tuple[float, ...]]


_kept: WeakKeyDictionary[Names, _Kept] = WeakKeyDictionary()
_NOTHING = np.zeros(1, dtype=np.int32)
T = TypeVar("T")


def words(view: View, indices: Sequence[int]) -> list[np.ndarray]:
    """int32 ids of the lexicon for some versions of a view; never empty, id 0 is no word."""
    without = names_of_speakers(view)
    return _each(view, indices, _of(view).words, lambda text: _words(text, without))


def flags(view: View, indices: Sequence[int]) -> np.ndarray:
    """float32 [len(indices), len(FLAGS)]."""
    return np.asarray(_each(view, indices, _of(view).flags, _flags), dtype=np.float32)


def _of(view: View) -> _Kept:
    return _kept.setdefault(view.names, _Kept({}, {}))


def _each(
    view: View, indices: Sequence[int], kept: dict[int, T], read: Callable[[str], T]
) -> list[T]:
    """What `read` makes of each text; made once a row, the oldest forgotten first."""
    rows = view.rows[list(indices)].tolist()
    unread = [place for place, row in enumerate(rows) if row not in kept]
    if unread:
        texts = view.texts([int(indices[place]) for place in unread])
        kept.update((rows[place], read(text)) for place, text in zip(unread, texts, strict=True))
    found = [kept[row] for row in rows]
    if len(kept) > _MOST:
        for row in list(islice(kept, len(kept) - _MOST // 2)):
            del kept[row]
    return found


def names_of_speakers(view: View) -> frozenset[str]:
    """The words of all speakers' names: they tell who, not what."""
    named = [view.names.text(code) or "" for code in speakers(view)]
    return frozenset(word for name in named for word in analysis.names(name))


def _words(text: str, without: frozenset[str]) -> np.ndarray:
    ids = lexicon().ids(text[:8192], without)
    return ids if len(ids) else _NOTHING


def _flags(text: str) -> tuple[float, ...]:
    told = [float(what.search(text) is not None) for what in (_FIRST, _NUMBER, _TIME, _PLACE)]
    return (*told, float(min(5, len(_NAMED.findall(text)))))
