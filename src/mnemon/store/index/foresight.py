"""Foresight: what is read ahead for one scope, and from when on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from mnemon.store.index.ahead import LEAST, Ahead, Portion
from mnemon.store.index.building import Builds
from mnemon.store.index.columns import Columns
from mnemon.store.index.terms import Terms
from mnemon.store.index.terms_ahead import TermsAhead
from mnemon.store.protocol import Store
from mnemon.store.view import Whole


class Foresight:
    """Of a scope; `held` gives its terms, its columns and which versions are current, with `lock`
    held, as it is whenever the scope asks something here."""

    def __init__(
        self,
        store: Store,
        builds: Builds,
        lock: threading.Lock,
        held: Callable[[], tuple[Terms, Columns, np.ndarray]],
    ) -> None:
        self._store = store
        self._builds = builds
        self._lock = lock
        self._held = held
        self._questions = 0
        self._terms = TermsAhead(store, builds, lock, lambda: held()[:2])
        self._texts = Ahead(builds)
        self._whole = Whole(self._rows, store.contents, self._read_texts)

    def note(self, question: bool) -> None:
        """A search begins; whether it asks a `question`."""
        self._builds.asked = time.monotonic()
        self._questions += question

    @property
    def whole(self) -> Whole | None:
        """For a view: None for a program that asks once, and where there is little to read."""
        return self._whole if self._questions > 1 and self._size >= LEAST else None

    def postings(self, terms: Sequence[str]) -> Sequence[np.ndarray]:
        """What `Terms.get` has to read; the rest is read ahead from then on."""
        if self.whole is not None:
            self._terms.go_on(self._size)
        return self._store.postings(self._held()[1].nums, terms)

    @property
    def _size(self) -> int:
        return len(self._held()[1])

    def _rows(self) -> np.ndarray:
        with self._lock:
            _, columns, current = self._held()
            rows: np.ndarray = columns["row"][current]
            return rows

    def _read_texts(self, portion: Portion) -> None:
        self._texts.go_on(portion, self._size)
