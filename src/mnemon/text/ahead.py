"""Reading turns ahead: all of a scope, the newest first, before a question is about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from mnemon.store.view import View, Whole

_PORTION = 65_536  # turns: a third of a second
_PIECE = 1024


class TurnsAhead:
    """How far a scope was read, and reading on.

    `begin` is told how many turns there will be; `read` reads some rows int64 and tells whether
    there is room for more. Both are called from another thread, one at a time.
    """

    def __init__(
        self, begin: Callable[[int], None], read: Callable[[Whole, np.ndarray], bool]
    ) -> None:
        self._begin = begin
        self._read = read
        self._below: int | None = None  # rows from here on were read
        self._total = 0  # turns there were
        self._over = False

    def go_on(self, view: View) -> None:
        """Have some more read beside searches, if there is more: after a search that had to read.

        Raises:
            Whatever reading failed with the last time.
        """
        if view.whole is not None and not self._over:
            view.whole.go_on(partial(self._portion, view.whole))
        elif view.whole is not None and view.population > self._total + self._total // 4:
            self._below, self._over = None, False  # as much has come since

    def _portion(self, whole: Whole) -> Iterator[None]:
        rows = whole.rows()
        if self._below is None:
            self._total = len(rows)
            self._begin(len(rows))
            yield
        else:
            rows = rows[: rows.searchsorted(self._below)]
        last = max(0, len(rows) - _PORTION)
        for end in range(len(rows), last, -_PIECE):
            some = rows[max(last, end - _PIECE) : end]
            if not self._read(whole, some):
                self._over = True
                return
            self._below = int(some[0])
            yield
        self._over = last == 0
