"""Facets of a turn: its words and what kind of thing it says. Read once, kept with the scope."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from itertools import chain, repeat
from weakref import WeakKeyDictionary

import numpy as np

from mnemon import analysis
from mnemon.store.index.grown import Grown
from mnemon.store.view import Names, View
from mnemon.text import wordkind
from mnemon.text.lexicon import Lexicon, lexicon
from mnemon.text.retrieve._named import speakers
from mnemon.text.tokens import LOWER, PAUSE, SPACE, UPPER, WORD, Tokens, plain

_MOST = 100_000  # turns kept of a scope, at some 150 bytes
_READ = 8192  # characters of a turn
_NAMED = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+")
_PLACE = re.compile(r"\b(?:in|at|to|from|near) [A-Z]\w+")

_BITS = (wordkind.FIRST_PERSON, wordkind.NUMBER, wordkind.TIME)

FLAGS = ("first_person", "number", "time", "place", "names")
"""What a turn speaks of: 0 or 1 each, and how many names (at most 5)."""


class _Turns:
    """What was read of turns: arrays with a place each, and row → place."""

    def __init__(self) -> None:
        self.places: dict[int, int] = {}
        self.starts = Grown(np.zeros(0, dtype=np.int64))
        self.sizes = Grown(np.zeros(0, dtype=np.int32))
        self.flags = Grown(np.zeros((0, len(FLAGS)), dtype=np.uint8))
        self.ids = Grown(np.zeros(0, dtype=np.int32))

    def keep(
        self, rows: Sequence[int], ids: np.ndarray, sizes: np.ndarray, flags: np.ndarray
    ) -> range:
        """The places of new ones."""
        have, held = len(self.starts), len(self.ids)
        self.ids.extend(ids)
        self.sizes.extend(sizes)
        self.flags.extend(flags)
        self.starts.extend(held + np.cumsum(sizes) - sizes)
        places = range(have, have + len(rows))
        self.places.update(zip(rows, places, strict=True))  # last: read without the lock
        return places


class Facets:
    """Of the turns of one scope, as ids of one lexicon. Safe to use from many threads."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._lock = threading.Lock()
        self._turns = _Turns()

    def words(self, view: View, indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """(ids int32 of the words of some versions one after the other, where each starts).

        Function words and the names of speakers are left out; one without words has id 0.
        """
        turns, at = self._told(view, indices)
        sizes = turns.sizes.rows.take(at)
        ends = np.cumsum(sizes, dtype=np.intp)
        firsts = ends - sizes
        shifts = np.repeat(turns.starts.rows.take(at) - firsts, sizes)
        said = turns.ids.rows.take(np.arange(len(shifts)) + shifts)
        return self._without(said, firsts, self.lexicon.known(names_of_speakers(view)))

    def flags(self, view: View, indices: Sequence[int]) -> np.ndarray:
        """float32 [len(indices), len(FLAGS)]."""
        turns, at = self._told(view, indices)
        return turns.flags.rows.take(at, axis=0).astype(np.float32)

    def asked(self, text: str, view: View) -> np.ndarray:
        """int32 ids of a question's different content words, names of speakers left out."""
        found = self.lexicon.ids(text, names_of_speakers(view)).tolist()
        return np.asarray(list(dict.fromkeys(found)), dtype=np.int32)

    def _without(
        self, said: np.ndarray, starts: np.ndarray, names: list[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        named = np.zeros(len(self.lexicon) + 1, dtype=bool)
        named[names] = True
        drop = named.take(said)
        if not drop.any():
            return said, starts
        said = np.where(drop, np.int32(0), said)
        empty = np.logical_and.reduceat(drop, starts)
        drop[starts[empty]] = False  # nothing but names: no word, once
        sizes = np.add.reduceat(~drop, starts, dtype=np.intp)
        return said[~drop], np.cumsum(sizes) - sizes

    def _told(self, view: View, indices: Sequence[int]) -> tuple[_Turns, np.ndarray]:
        """Where some versions are, read if they were not yet."""
        rows = view.rows[indices].tolist()
        turns = self._turns
        at = np.fromiter(map(turns.places.get, rows, repeat(-1)), np.intp, len(rows))
        unread = np.flatnonzero(at < 0)
        if len(unread):
            if len(turns.places) + len(unread) > _MOST:
                turns = self._turns = _Turns()  # whoever uses the old ones keeps them
                unread = np.arange(len(rows))
            places = unread.tolist()
            texts = [text[:_READ] for text in view.texts([int(indices[p]) for p in places])]
            for ascii, read in ((True, self._read_many), (False, self._read_each)):
                some = [place for place, text in zip(places, texts, strict=True)
                        if text.isascii() == ascii]  # fmt: skip
                if some:
                    made = read([text for text in texts if text.isascii() == ascii])
                    with self._lock:
                        at[some] = turns.keep([rows[place] for place in some], *made)
        return turns, at

    def _read_many(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`_read_each` of ASCII texts, all at once."""
        tokens = Tokens.of(texts)
        ids = self.lexicon.of_tokens(tokens)
        kinds = self.lexicon.kinds(ids)
        owner = np.repeat(np.arange(len(texts)), tokens.sizes)
        flags = _flags_of_tokens(tokens, kinds, owner)
        telling = np.flatnonzero((kinds & wordkind.FUNCTION) == 0)
        sizes = np.bincount(owner[telling], minlength=len(texts))
        ids = ids[telling]
        empty = np.flatnonzero(sizes == 0)
        if len(empty):
            ids = np.insert(ids, np.cumsum(sizes)[empty], 0)
            sizes[empty] = 1
        return ids, sizes, flags

    def _read_each(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(ids of content words one after the other, how many of each text, flags).

        A text without such words has id 0 once.
        """
        words = [plain(text) or [""] for text in texts]
        starts = np.zeros(len(words), dtype=np.intp)
        np.cumsum([len(said) for said in words[:-1]], out=starts[1:])
        ids = self.lexicon.numbers(list(chain.from_iterable(words)))
        kinds = self.lexicon.kinds(ids)
        every = np.bitwise_or.reduceat(kinds, starts)
        places = [_PLACE.search(text) is not None for text in texts]
        names = [min(5, len(_NAMED.findall(text))) for text in texts]
        flags = np.stack([*((every & bit) != 0 for bit in _BITS), places, names], axis=1)
        telling = (kinds & wordkind.FUNCTION) == 0
        empty = starts[~np.logical_or.reduceat(telling, starts)]
        telling[empty], ids[empty] = True, 0
        return ids[telling], np.add.reduceat(telling, starts, dtype=np.intp), flags


def _flags_of_tokens(tokens: Tokens, kinds: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """uint8 [N, len(FLAGS)] of texts; `owner` [W] tells whose each word is."""
    flags = np.zeros((len(tokens.sizes), len(FLAGS)), dtype=np.uint8)
    for column, bit in enumerate(_BITS):
        flags[owner[(kinds & bit) != 0], column] = 1
    classes = tokens.classes
    begins = tokens.begins
    # What `_NAMED` finds: a capital after a space after a small letter or a pause.
    named = (classes.take(begins) & UPPER != 0) & (classes.take(begins + 1) & LOWER != 0)
    named &= classes.take(begins - 1) & SPACE != 0
    named &= classes.take(begins - 2) & (LOWER | PAUSE) != 0
    flags[:, 4] = np.minimum(5, np.bincount(owner[named], minlength=len(flags)))
    # What `_PLACE` finds: a small "in" and the like before a space and a capital with more.
    before = np.flatnonzero(kinds & wordkind.BEFORE_PLACE)
    first, end = begins[before], tokens.ends[before]
    place = (classes.take(first) & LOWER != 0) & (classes.take(end - 1) & LOWER != 0)
    place &= (classes.take(end) & SPACE != 0) & (classes.take(end + 1) & UPPER != 0)
    place &= (classes.take(end + 2) & WORD != 0) & (classes.take(first - 1) & WORD == 0)
    flags[owner[before[place]], 3] = 1
    return flags


_kept: WeakKeyDictionary[Names, Facets] = WeakKeyDictionary()


def of(view: View) -> Facets:
    """What is known of the turns of a view's scope; for one search, take it once."""
    found, current = _kept.get(view.names), lexicon()
    if found is None or found.lexicon is not current:
        found = _kept[view.names] = Facets(current)
    return found


def words(view: View, indices: Sequence[int]) -> list[np.ndarray]:
    """int32 ids of the lexicon for some versions of a view; never empty, id 0 is no word."""
    ids, starts = of(view).words(view, indices)
    return np.split(ids, starts[1:])


def flags(view: View, indices: Sequence[int]) -> np.ndarray:
    """float32 [len(indices), len(FLAGS)]."""
    return of(view).flags(view, indices)


def names_of_speakers(view: View) -> frozenset[str]:
    """The words of all speakers' names: they tell who, not what."""
    named = [view.names.text(code) or "" for code in speakers(view)]
    return frozenset(word for name in named for word in analysis.names(name))
