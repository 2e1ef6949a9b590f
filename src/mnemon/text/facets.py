"""Facets of a turn: its words and what kind of thing it says. Read once, kept with the scope."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from weakref import WeakKeyDictionary

import numpy as np

from mnemon.store.view import Names, View, Whole
from mnemon.text.ahead import TurnsAhead
from mnemon.text.lexicon import Lexicon, lexicon
from mnemon.text.retrieve._named import words_of_speakers
from mnemon.text.telling import FLAGS, Told, told_by_each, told_by_many
from mnemon.text.tokens import aligned
from mnemon.text.turns import Turns

__all__ = ["FLAGS", "Facets", "flags", "names_of_speakers", "of", "words"]

Indices = Sequence[int] | np.ndarray
_MOST = 2**20  # turns kept of a scope, and as many that were kept before
_READ = 8192  # characters of a turn
_CHARACTERS = 110_000  # read at once, about: as many numbers are kept for their keys


class Facets:
    """Of the turns of one scope, as ids of the `lexicon`. Safe to use from many threads."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._turns, self._before = Turns(), Turns()
        self._ahead = TurnsAhead(self._begin, self._foresee)
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
        told = turns.told(at)
        firsts = np.cumsum(told.sizes) - told.sizes
        names = self.lexicon.known(words_of_speakers(view))
        kept = _without(told.ids, firsts, self.lexicon.among(told.ids, names))
        return *kept, told.flags

    def flags(self, view: View, indices: Indices) -> np.ndarray:
        """float32 [len(indices), len(FLAGS)]."""
        turns, at = self._told(view, indices)
        return turns.flags(at).astype(np.float32)

    def asked(self, question: str, view: View) -> np.ndarray:
        """int32 ids of a question's different content words in order, names of speakers left
        out."""
        found = self.lexicon.ids(question, words_of_speakers(view)).tolist()
        return np.asarray(list(dict.fromkeys(found)), dtype=np.int32)

    def _told(self, view: View, indices: Indices) -> tuple[Turns, np.ndarray]:
        """Where some versions are, read if they were not yet, or if words of theirs are no longer
        known."""
        rows, indices = view.rows.take(indices), np.asarray(indices)
        turns = self._turns
        at = turns.find(rows, self.lexicon.oldest)
        unread = np.flatnonzero(at < 0)
        if len(unread):
            if len(turns) + len(unread) > _MOST:
                turns, unread = self._renewed(turns), np.arange(len(rows))
            unread = self._moved(rows, unread, turns, at)
        if len(unread):
            texts = view.texts(indices[unread].tolist())
            for some, told in self._tell(texts):
                with self._lock:
                    at[unread[some]] = turns.keep(rows[unread[some]], told)
            self._ahead.go_on(view)
        return turns, at

    def _renewed(self, full: Turns) -> Turns:
        """New ones; whoever uses the old ones keeps them."""
        with self._lock:
            if self._turns is full:
                self._turns, self._before = Turns(), full
            return self._turns

    def _moved(
        self, rows: np.ndarray, unread: np.ndarray, turns: Turns, at: np.ndarray
    ) -> np.ndarray:
        """Take those of `rows` at `unread` over that were known before; the others."""
        before = self._before
        there = before.find(rows[unread], self.lexicon.oldest)
        known = there >= 0
        if known.any():
            with self._lock:
                at[unread[known]] = turns.keep(rows[unread[known]], before.told(there[known]))
        return unread[~known]

    def _tell(self, texts: Sequence[str]) -> Iterator[tuple[np.ndarray, Told]]:
        """(places of some texts, what they tell)."""
        texts = [text[:_READ] for text in texts]
        alike = np.fromiter(map(str.isascii, texts), dtype=bool, count=len(texts))
        others = np.flatnonzero(~alike).tolist()
        alike[others] = [aligned(texts[place]) for place in others]
        lengths = np.fromiter(map(len, texts), dtype=np.intp, count=len(texts))
        batch = np.cumsum(lengths) // _CHARACTERS
        for number in range(int(batch[-1]) + 1):
            for some, read in ((alike, told_by_many), (~alike, told_by_each)):
                chosen = np.flatnonzero(some & (batch == number))
                if len(chosen):
                    yield chosen, read(self.lexicon, [texts[place] for place in chosen.tolist()])

    def _begin(self, total: int) -> None:
        with self._lock:
            self._turns.reserve(min(_MOST, total))

    def _foresee(self, whole: Whole, rows: np.ndarray) -> bool:
        """Read what is not yet known of some turns, unless others would have to go for it."""
        turns = self._turns
        unread = rows[turns.find(rows, self.lexicon.oldest) < 0]
        full = len(self._before) or len(turns) + len(unread) > _MOST
        if full or self.lexicon.crowded:
            return False
        if len(unread):
            for some, told in self._tell(whole.texts(unread.tolist())):
                with self._lock:
                    turns.keep(unread[some], told)
        return True


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
