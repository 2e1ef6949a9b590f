"""Writing in the background, one blob after the other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mnemon.kv.tiers.blob import Blob

log = logging.getLogger("mnemon.kv.tiers")
_MOST = 256 * 10**6
"""Bytes that may wait to be written before who brings more has to wait."""


@dataclass(frozen=True)
class Job:
    """A blob that is to be written, and how often it was used."""

    blob: Blob
    uses: int


class Writer:
    """A queue with one thread, which ends with it.

    Attributes:
        busy: held while a blob is written: who holds it knows that nothing is.
        pool: its thread.
    """

    def __init__(self, store: Callable[[Job], None], failed: Callable[[], None]) -> None:
        self.busy = threading.Lock()
        self._store, self._failed = store, failed
        self._waiting: dict[str, Job] = {}
        self._changed = threading.Condition()
        self.pool = ThreadPoolExecutor(1, "mnemon-kv-write")

    def add(self, job: Job) -> None:
        """Have a blob written. Never waits: call `pause` after it, with no lock held."""
        with self._changed:
            self._waiting[job.blob.key] = job
        self.pool.submit(self._next)

    def get(self, key: str) -> Blob | None:
        """A blob that is not written yet."""
        with self._changed:
            job = self._waiting.get(key)
        return None if job is None else job.blob

    def keys(self) -> set[str]:
        """What is not written yet."""
        with self._changed:
            return set(self._waiting)

    def pause(self) -> None:
        """Wait while too much is waiting."""
        with self._changed:
            self._changed.wait_for(self._has_room)

    def flush(self) -> None:
        """Wait until nothing is waiting."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting)

    def cancel(self, keys: Iterable[str]) -> set[str]:
        """Do not write these; which of them were waiting. One may be half-written: see `busy`."""
        with self._changed:
            gone = {key for key in keys if self._waiting.pop(key, None) is not None}
            self._changed.notify_all()
        return gone

    def _has_room(self) -> bool:
        waiting = self._waiting.values()
        return len(waiting) < 2 or sum(job.blob.nbytes for job in waiting) <= _MOST

    def _next(self) -> None:
        with self.busy:
            with self._changed:
                job = next(iter(self._waiting.values()), None)
            if job is None:
                return
            try:
                self._store(job)
            except Exception:  # nobody waits for it: the log tells, and the count
                log.exception("blob %s could not be written", job.blob.key[:16])
                self._failed()
            with self._changed:
                if self._waiting.get(job.blob.key) is job:
                    del self._waiting[job.blob.key]
                self._changed.notify_all()
