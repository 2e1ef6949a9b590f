"""Building beside searching: indexes are made in one thread, which whoever closes waits for.

There is no thread until the first scope outgrows `scope.LIMIT`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

Check = Callable[[], None]
"""To be called now and then by long work; raises `Stopped` when nobody wants it any more."""


class Stopped(Exception):
    """The memory was closed before the work was done."""


class Builds:
    """Work of a memory's scopes, one piece after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._pool: ThreadPoolExecutor | None = None
        self._stop = threading.Event()

    def submit(self, work: Callable[[Check], None]) -> Future[None]:
        """Do `work` when what was submitted before is done."""
        with self._lock:
            if self._pid != os.getpid():
                self._start()  # threads do not survive a fork
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, thread_name_prefix="mnemon-index")
            return self._pool.submit(work, self._check)

    def wait(self) -> None:
        """Return when what was submitted is done, well or not."""
        with self._lock:
            pool = self._pool if self._pid == os.getpid() else None
            last = None if pool is None else pool.submit(lambda: None)
        if last is not None:
            last.result()

    def close(self, wait: bool) -> None:
        """Return when nothing is under way: all is done, or, without `wait`, given up."""
        with self._lock:
            pool, self._pool = self._pool, None
            if pool is None or self._pid != os.getpid():
                return
            if not wait:
                self._stop.set()
        pool.shutdown(wait=True, cancel_futures=not wait)

    def _check(self) -> None:
        if self._stop.is_set():
            raise Stopped


def failure(done: Future[None]) -> BaseException | None:
    """Why finished work failed; None if it did not, or if it was stopped."""
    if done.cancelled():
        return None
    error = done.exception()
    return None if isinstance(error, Stopped) else error
