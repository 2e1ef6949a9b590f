"""Facets of a turn: its words and what kind of thing it says. Read once, kept with the scope."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
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


class Facets(NamedTuple):
    """`words` int32 ids of the lexicon (never empty: id 0 is no word), a value for each flag."""

    words: np.ndarray
    flags: tuple[float, ...]


_kept: WeakKeyDictionary[Names, dict[int, Facets]] = WeakKeyDictionary()
_NOTHING = np.zeros(1, dtype=np.int32)


def facets(view: View, indices: Sequence[int]) -> list[Facets]:
    """The facets of some versions of a view, in that order."""
    kept = _kept.setdefault(view.names, {})
    rows = view.rows[list(indices)].tolist()
    unread = [place for place, row in enumerate(rows) if row not in kept]
    if unread:
        if len(kept) > _MOST:
            kept.clear()
            unread = list(range(len(rows)))
        without = names_of_speakers(view)
        texts = view.texts([int(indices[place]) for place in unread])
        for place, text in zip(unread, texts, strict=True):
            kept[rows[place]] = _read(text, without)
    return [kept[row] for row in rows]


def names_of_speakers(view: View) -> frozenset[str]:
    """The words of all speakers' names: they tell who, not what."""
    named = [view.names.text(code) or "" for code in speakers(view)]
    return frozenset(word for name in named for word in analysis.names(name))


def _read(text: str, without: frozenset[str]) -> Facets:
    words = lexicon().ids(text[:8192], without)
    told = [float(what.search(text) is not None) for what in (_FIRST, _NUMBER, _TIME, _PLACE)]
    names = float(min(5, len(_NAMED.findall(text))))
    return Facets(words if len(words) else _NOTHING, (*told, names))
