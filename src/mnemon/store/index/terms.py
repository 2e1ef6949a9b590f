"""Posting lists of a scope as arrays: read once, kept up as versions come, dropped when unused.

A list is complete for the versions that the scope has; what is added later is analysed here once
and lies in a short tail of each list that is held. Reading one costs about 0.2 microseconds an
entry, as one string from SQLite (a row each would cost 1).
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from mnemon import analysis
from mnemon.store.index.columns import Columns

Postings = tuple[np.ndarray, np.ndarray]
"""int32 [M] indices ascending, float32 [M] occurrences."""

_MOST_BYTES = 192 * 1024 * 1024


class Terms:
    """Term → its postings, the least recently asked dropped beyond a number of bytes."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._lists: OrderedDict[str, Postings] = OrderedDict()
        self._tails: dict[str, list[tuple[int, int]]] = {}
        self._most = most_bytes
        self.nbytes = 0

    def __bool__(self) -> bool:
        return bool(self._lists)

    def clear(self) -> None:
        """Forget all lists."""
        self._lists.clear()
        self._tails.clear()
        self.nbytes = 0

    def extend(self, start: int, contents: Sequence[str]) -> None:
        """Take in the versions from index `start` on."""
        for index, content in enumerate(contents, start):
            for term, count in Counter(analysis.terms(content)).items():
                if term in self._lists:
                    self._tails.setdefault(term, []).append((index, count))

    def get(
        self,
        terms: Sequence[str],
        columns: Columns,
        read: Callable[[Sequence[str]], Sequence[np.ndarray]],
    ) -> dict[str, Postings]:
        """The postings of each term; `read` gives rows, one entry an occurrence."""
        unread = [term for term in terms if term not in self._lists]
        for term, rows in zip(unread, read(unread) if unread else (), strict=True):
            self._keep(term, _located(rows, columns))
        for term in self._tails.keys() & set(terms):
            where, counts = zip(*self._tails.pop(term), strict=True)
            old = self._lists[term]
            self._keep(
                term,
                (
                    np.concatenate([old[0], np.array(where, np.int32)]),
                    np.concatenate([old[1], np.array(counts, np.float32)]),
                ),
            )
        found = {term: self._lists[term] for term in terms}
        for term in terms:
            self._lists.move_to_end(term)
        while self.nbytes > self._most and len(self._lists) > len(terms):
            term, dropped = self._lists.popitem(last=False)
            self._tails.pop(term, None)
            self.nbytes -= sum(array.nbytes for array in dropped)
        return found

    def _keep(self, term: str, postings: Postings) -> None:
        for array in self._lists.get(term, ()):
            self.nbytes -= array.nbytes
        self._lists[term] = postings
        self.nbytes += sum(array.nbytes for array in postings)


def _located(rows: np.ndarray, columns: Columns) -> Postings:
    if not len(rows):
        return np.zeros(0, np.int32), np.zeros(0, np.float32)
    if len(columns.nums) > 1:
        rows = np.sort(rows)  # each namespace's own are in order
    edge = np.ones(len(rows) + 1, dtype=bool)
    np.not_equal(rows[1:], rows[:-1], out=edge[1:-1])
    edges = np.flatnonzero(edge)
    first, counts = edges[:-1], edges[1:] - edges[:-1]
    # Another process may have written a row after our headers: it is for the next search.
    at, here = columns.index(rows[first])
    return at[here].astype(np.int32), counts[here].astype(np.float32)
