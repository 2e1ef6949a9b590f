"""Posting lists of a scope as arrays: read once, kept up as versions come, dropped when unused.

A list is complete for the versions that the scope has; what is added later is analysed here once
and lies in a short tail of each list that is held. Reading one costs about 0.2 microseconds an
entry, as one string from SQLite (a row each would cost 1). Lists may be read ahead, all but those
of function words, which are half of all entries and hardly ever asked for: then a term without a
list is one that nothing holds.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from mnemon import analysis
from mnemon.store.index.columns import Columns

Postings = tuple[np.ndarray, np.ndarray]
"""int32 [M] indices ascending, float32 [M] occurrences."""

_MOST_BYTES = 192 * 1024 * 1024
_OBJECTS = 400  # bytes of a list's objects
_FIRST = ""  # before all terms
_NONE = (np.zeros(0, np.int32), np.zeros(0, np.float32))


class Terms:
    """Term → its postings, the least recently asked dropped beyond a number of bytes."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._lists: OrderedDict[str, Postings] = OrderedDict()
        self._tails: dict[str, array[int]] = {}  # index and count in turn
        self._most = most_bytes
        self._foreseen = _FIRST  # the last that was read ahead
        self._complete = False
        self.nbytes = 0

    def __bool__(self) -> bool:
        return bool(self._lists)

    def clear(self) -> None:
        """Forget all lists."""
        self._lists.clear()
        self._tails.clear()
        self._foreseen, self._complete = _FIRST, False
        self.nbytes = 0

    def extend(self, start: int, contents: Sequence[str]) -> None:
        """Take in the versions from index `start` on."""
        for index, content in enumerate(contents, start):
            for term, count in Counter(analysis.terms(content)).items():
                if term in self._lists or self._absent(term):
                    self._tails.setdefault(term, array("i")).extend((index, count))
                    self.nbytes += 8

    def get(
        self,
        terms: Sequence[str],
        columns: Columns,
        read: Callable[[Sequence[str]], Sequence[np.ndarray]],
    ) -> dict[str, Postings]:
        """The postings of each term; `read` gives rows, one entry an occurrence."""
        unread = [term for term in terms if term not in self._lists and not self._absent(term)]
        for term, rows in zip(unread, read(unread) if unread else (), strict=True):
            self._keep(term, located(rows, columns))
        for term in self._tails.keys() & set(terms):
            tail = np.array(self._tails.pop(term)).reshape(-1, 2)
            self.nbytes -= 8 * len(tail)
            where, counts = self._lists.get(term, _NONE)
            self._keep(
                term,
                (
                    np.concatenate([where, tail[:, 0].astype(np.int32)]),
                    np.concatenate([counts, tail[:, 1].astype(np.float32)]),
                ),
            )
        found = {term: self._lists.get(term, _NONE) for term in terms}
        for term in self._lists.keys() & set(terms):
            self._lists.move_to_end(term)
        self._drop(len(terms))
        return found

    @property
    def wanting(self) -> bool:
        """Whether more may be read ahead."""
        return not self._complete and self.nbytes < self._most // 2

    @property
    def stretch(self) -> tuple[str, str | None]:
        """Between which two terms to read on; None: to the last. The terms of function words lie
        between stretches."""
        borders = analysis.function_terms()
        at = bisect_right(borders, self._foreseen)
        return self._foreseen, borders[at] if at < len(borders) else None

    def foresee(self, found: Sequence[tuple[str, Postings]]) -> None:
        """Take in the next terms of the stretch, ascending; none: it is at its end."""
        for term, postings in found:
            if term not in self._lists:
                self._keep(term, postings)
                self._lists.move_to_end(term, last=False)  # nobody asked for it yet
        end = found[-1][0] if found else self.stretch[1]
        self._complete = end is None
        self._foreseen = end or _FIRST

    def _absent(self, term: str) -> bool:
        """Whether nothing holds a term that has no list."""
        told = self._complete or term <= self._foreseen
        return told and term not in _left_out()

    def _keep(self, term: str, postings: Postings) -> None:
        if term in self._lists:
            self.nbytes -= _size(self._lists[term])
        self._lists[term] = postings
        self.nbytes += _size(postings)

    def _drop(self, least: int) -> None:
        """Drop what was asked for longest ago, if it is too much; `least` lists are kept."""
        if self.nbytes <= self._most:
            return
        while self.nbytes > self._most and len(self._lists) > least:
            term, dropped = self._lists.popitem(last=False)
            self.nbytes -= 4 * len(self._tails.pop(term, ())) + _size(dropped)
        self._foreseen, self._complete = _FIRST, False  # what has no list may be held now
        for term in self._tails.keys() - self._lists.keys():
            self.nbytes -= 4 * len(self._tails.pop(term))


@cache
def _left_out() -> frozenset[str]:
    return frozenset(analysis.function_terms())


def _size(postings: Postings) -> int:
    return _OBJECTS + sum(column.nbytes for column in postings)


def located(rows: np.ndarray, columns: Columns) -> Postings:
    """Postings of rows, one entry an occurrence; what `columns` does not have is left out."""
    if not len(rows):
        return _NONE
    if len(columns.nums) > 1:
        rows = np.sort(rows)  # each namespace's own are in order
    edge = np.ones(len(rows) + 1, dtype=bool)
    np.not_equal(rows[1:], rows[:-1], out=edge[1:-1])
    edges = np.flatnonzero(edge)
    first, counts = edges[:-1], edges[1:] - edges[:-1]
    # Another process may have written a row after our headers: it is for the next search.
    at, here = columns.index(rows[first])
    return at[here].astype(np.int32), counts[here].astype(np.float32)
