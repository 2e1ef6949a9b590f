"""Reading posting lists ahead: term by term, those of one namespace, beside searches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from mnemon.store.index.ahead import Ahead
from mnemon.store.index.building import Builds
from mnemon.store.index.columns import Columns
from mnemon.store.index.terms import Terms, located
from mnemon.store.protocol import Store

_PORTION = 1_000_000  # entries: a quarter of a second
_PIECE = 50_000


class TermsAhead:
    """Of one scope. `held` gives its terms and columns, with `lock` held."""

    def __init__(
        self,
        store: Store,
        builds: Builds,
        lock: threading.Lock,
        held: Callable[[], tuple[Terms, Columns]],
    ) -> None:
        self._store = store
        self._lock = lock
        self._held = held
        self._ahead = Ahead(builds)

    def go_on(self, size: int) -> None:
        """Have some more read beside searches of a scope of `size` versions, if there is more and
        room for it.

        Raises:
            Whatever reading failed with the last time.
        """
        self._ahead.go_on(self._portion, size)

    def _portion(self) -> Iterator[None]:
        read = 0
        while read < _PORTION:
            with self._lock:
                terms, columns = self._held()
                total, (after, before) = len(columns), terms.stretch
                if not terms.wanting or len(columns.nums) != 1:
                    return  # of several namespaces the lists would have to be joined
            rows = self._store.scan_postings(columns.nums[0], after, before, _PIECE)
            found = [(term, located(listed, columns)) for term, listed in rows]
            with self._lock:
                # Lists without what came meanwhile would never get it; the next portion has it.
                same = self._held()[0] is terms and terms.stretch == (after, before)
                if not same or len(columns) != total:
                    return
                terms.foresee(found)
            read += sum(len(listed) for _, listed in rows)
            yield
