"""Reading ahead: what searches will ask for is read beside them, in the thread that makes indexes.

A portion at a time, and only a search that still had to read something asks for the next: nothing
is read for nobody, and an index waits for a part of a second at most. A portion is read in pieces
of a few milliseconds: between two of them it can be ended, and the process can fork, so that a
child never finds a lock held by a thread that it does not have.

What takes a second in all is read beside searches, with more rest than work. Of a scope for which
it takes longer only while nobody searches: a search beside takes half as long again where two cores
share what they compute with, and thousands would have to follow before that has paid.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import cache

from mnemon.errors import StoreError
from mnemon.store.index.building import Builds, Check, failure

LEAST = 2_000
"""Versions of a scope that is read ahead: a smaller one is soon read by its searches."""
AT_ONCE = 200_000
"""Versions of a scope that is read ahead while others search."""

_QUIET = 0.1  # seconds without a search: nobody searches
_PATIENCE = 0.3  # seconds to wait for that; who searches then will ask again
_LOOK = 0.02
_REST = 3  # times as long as a piece took, while somebody searches: who asks just now pays less

Portion = Callable[[], Iterator[None]]
"""Reads one piece from each step to the next."""


class Ahead:
    """One thing that is read ahead for one scope. Safe to use from many threads."""

    def __init__(self, builds: Builds) -> None:
        self._builds = builds
        self._lock = threading.Lock()
        self._last: Future[None] | None = None
        self._pid = os.getpid()

    def go_on(self, portion: Portion, size: int) -> None:
        """Have a portion read for a scope of `size` versions, unless the last one still is.

        Raises:
            Whatever the last one failed with, but for the store's own errors: a search reads for
            itself what it needs, and is told if that fails. The next call tries again.
        """
        with self._lock:
            if self._last is not None and self._pid == os.getpid():
                if not self._last.done():
                    return
                failed, self._last = failure(self._last), None
                if failed is not None and not isinstance(failed, StoreError):
                    raise failed
            pieces, patient = _pieces(), size > AT_ONCE
            self._pid = os.getpid()
            self._last = self._builds.submit(
                lambda check: self._read(portion, pieces, patient, check), kept=False
            )

    def _read(self, portion: Portion, piece: threading.Lock, patient: bool, check: Check) -> None:
        steps, going = portion(), True
        while going:
            check()
            if patient and not self._quiet(check):
                return
            began = time.monotonic()
            with piece:
                going = next(steps, _DONE) is not _DONE
            if self._searched:
                time.sleep(_REST * (time.monotonic() - began))

    @property
    def _searched(self) -> bool:
        """Whether somebody just did."""
        return time.monotonic() < self._builds.asked + _QUIET

    def _quiet(self, check: Check) -> bool:
        """Whether nobody searches, now or soon."""
        end = time.monotonic() + _PATIENCE
        while self._searched:
            if time.monotonic() > end:
                return False
            time.sleep(_LOOK)
            check()
        return True


_DONE = object()


@cache
def _pieces() -> threading.Lock:
    """Held while a piece is read, and by whoever forks: it waits for the piece."""
    lock = threading.Lock()
    if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )
    return lock
