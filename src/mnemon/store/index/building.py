"""Building beside searching: indexes are made in one thread, which whoever closes waits for.

It also reads ahead (`ahead.py`), which whoever closes ends. There is no thread until the first
scope outgrows `scope.LIMIT` or is read ahead.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

Check = Callable[[], None]
"""To be called now and then by long work; raises `Stopped` when nobody wants it any more."""


class Stopped(Exception):
    """The memory was closed before the work was done."""


class Builds:
    """Work of a memory's scopes, one piece after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.asked = 0.0
        """When somebody last searched, by `time.monotonic`."""
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._pool: ThreadPoolExecutor | None = None
        self._stop = threading.Event()
        self._closing = threading.Event()

    def submit(self, work: Callable[[Check], None], *, kept: bool = True) -> Future[None]:
        """Do `work` when what was submitted before is done; what will not be `kept` is given up by
        any `close`."""
        with self._lock:
            if self._pid != os.getpid():
                self._start()  # threads do not survive a fork
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, thread_name_prefix="mnemon-index")
                self._closing = threading.Event()
            stops = (self._stop,) if kept else (self._stop, self._closing)
            return self._pool.submit(work, partial(_check, stops))

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
            self._closing.set()
            if not wait:
                self._stop.set()
        pool.shutdown(wait=True, cancel_futures=not wait)


def _check(stops: Iterable[threading.Event]) -> None:
    if any(stop.is_set() for stop in stops):
        raise Stopped


def failure(done: Future[None]) -> BaseException | None:
    """Why finished work failed; None if it did not, or if it was stopped."""
    if done.cancelled():
        return None
    error = done.exception()
    return None if isinstance(error, Stopped) else error
