"""Facets of a turn: its words and what kind of thing it says. Read once, kept with the scope."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np

from mnemon.store.index.grown import Grown
from mnemon.store.view import Names, View
from mnemon.text.hashed import Hashed
from mnemon.text.lexicon import Lexicon, lexicon
from mnemon.text.retrieve._named import words_of_speakers
from mnemon.text.telling import FLAGS, Told, told_by_each, told_by_many
from mnemon.text.tokens import aligned

__all__ = ["FLAGS", "Facets", "flags", "names_of_speakers", "of", "words"]

Indices = Sequence[int] | np.ndarray
_MOST = 100_000  # turns kept of a scope, at some 150 bytes
_READ = 8192  # characters of a turn
_NEWEST = np.iinfo(np.int32).max


class _Turns:
    """What was read of turns: arrays with a place each, and row → place."""

    def __init__(self) -> None:
        self.places = Hashed()
        self.starts = Grown(np.zeros(0, dtype=np.int64))
        self.sizes = Grown(np.zeros(0, dtype=np.int32))
        self.oldest = Grown(np.zeros(0, dtype=np.int32))  # the lowest id of a turn
        self.flags = Grown(np.zeros((0, len(FLAGS)), dtype=np.uint8))
        self.ids = Grown(np.zeros(0, dtype=np.int32))

    def keep(self, rows: np.ndarray, told: Told) -> np.ndarray:
        """The places of new ones, or of those that are read again."""
        have, held = len(self.starts), len(self.ids)
        starts = np.cumsum(told.sizes) - told.sizes
        lowest = np.minimum.reduceat(np.where(told.ids, told.ids, _NEWEST), starts)
        self.ids.extend(told.ids)
        self.sizes.extend(told.sizes)
        self.oldest.extend(lowest)
        self.flags.extend(told.flags)
        self.starts.extend(held + starts)
        places = np.arange(have, have + len(rows))
        self.places.put(rows.astype(np.uint64), places)  # last: read without the lock
        return places


class Facets:
    """Of the turns of one scope, as ids of the `lexicon`. Safe to use from many threads."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._turns = _Turns()
        self._lock = threading.Lock()

    def words(self, view: View, indices: Indices) -> tuple[np.ndarray, np.ndarray]:
        """(ids int32 of the words of some versions one after the other, where each starts).

        Function words and the names of speakers are left out; one without words has id 0.
        """
        ids, starts, _ = self.read(view, indices)
        return ids, starts

    def read(self, view: View, indices: Indices) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(what `words` gives, and what `flags` gives as uint8)."""
        turns, at = self._told(view, indices)
        sizes = turns.sizes.rows.take(at)
        ends = np.cumsum(sizes, dtype=np.intp)
        firsts = ends - sizes
        shifts = np.repeat(turns.starts.rows.take(at) - firsts, sizes)
        said = turns.ids.rows.take(np.arange(len(shifts)) + shifts)
        names = self.lexicon.known(words_of_speakers(view))
        kept = _without(said, firsts, self.lexicon.among(said, names))
        return *kept, turns.flags.rows.take(at, axis=0)

    def flags(self, view: View, indices: Indices) -> np.ndarray:
        """float32 [len(indices), len(FLAGS)]."""
        turns, at = self._told(view, indices)
        return turns.flags.rows.take(at, axis=0).astype(np.float32)

    def asked(self, question: str, view: View) -> np.ndarray:
        """int32 ids of a question's different content words in order, names of speakers left
        out."""
        found = self.lexicon.ids(question, words_of_speakers(view)).tolist()
        return np.asarray(list(dict.fromkeys(found)), dtype=np.int32)

    def _told(self, view: View, indices: Indices) -> tuple[_Turns, np.ndarray]:
        """Where some versions are, read if they were not yet, or if words of theirs are no longer
        known."""
        rows = view.rows.take(indices)
        turns = self._turns
        at = turns.places.get(rows.astype(np.uint64)).astype(np.intp)
        here = np.flatnonzero(at >= 0)
        at[here[turns.oldest.rows.take(at[here]) < self.lexicon.oldest]] = -1
        unread = np.flatnonzero(at < 0)
        if len(unread):
            if len(turns.starts) + len(unread) > _MOST:
                turns = self._turns = _Turns()  # whoever uses the old ones keeps them
                unread = np.arange(len(rows))
            self._read(view, np.asarray(indices)[unread], rows, unread, turns, at)
        return turns, at

    def _read(
        self,
        view: View,
        indices: np.ndarray,
        rows: np.ndarray,
        unread: np.ndarray,
        turns: _Turns,
        at: np.ndarray,
    ) -> None:
        """Read the texts at `indices`, those of `rows` at `unread`; their places go to `at`."""
        texts = [text[:_READ] for text in view.texts(indices.tolist())]
        alike = np.fromiter(map(aligned, texts), dtype=bool, count=len(texts))
        for some, read in ((alike, told_by_many), (~alike, told_by_each)):
            chosen = np.flatnonzero(some).tolist()
            if chosen:
                told = read(self.lexicon, [texts[place] for place in chosen])
                places = unread[some]
                with self._lock:
                    at[places] = turns.keep(rows[places], told)


def _without(
    said: np.ndarray, starts: np.ndarray, drop: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Words less those to `drop` bool; what had no others has id 0 once."""
    if not drop.any():
        return said, starts
    said = np.where(drop, np.int32(0), said)
    empty = np.logical_and.reduceat(drop, starts)
    drop[starts[empty]] = False
    sizes = np.add.reduceat(~drop, starts, dtype=np.intp)
    return said[~drop], np.cumsum(sizes) - sizes


_kept: WeakKeyDictionary[Names, Facets] = WeakKeyDictionary()


def of(view: View) -> Facets:
    """What is known of the turns of a view's scope."""
    found = _kept.get(view.names)
    if found is None:
        found = _kept.setdefault(view.names, Facets(lexicon()))
    return found


def words(view: View, indices: Indices) -> list[np.ndarray]:
    """int32 ids of the lexicon for some versions of a view; never empty, id 0 is no word."""
    ids, starts = of(view).words(view, indices)
    return np.split(ids, starts[1:])


def flags(view: View, indices: Indices) -> np.ndarray:
    """float32 [len(indices), len(FLAGS)]."""
    return of(view).flags(view, indices)


def names_of_speakers(view: View) -> frozenset[str]:
    """The words of all speakers' names: they tell who, not what."""
    return words_of_speakers(view)
