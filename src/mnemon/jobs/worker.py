"""A worker: takes one job at a time and carries it out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mnemon.errors import MnemonError, StoreClosed
from mnemon.job import Job
from mnemon.jobs import failing
from mnemon.jobs.backoff import delay
from mnemon.jobs.calls import CALLS
from mnemon.jobs.lease import Lease, Stopped
from mnemon.store import Store, uploads
from mnemon.store.queue import Claim
from mnemon.wire.plain import plain

if TYPE_CHECKING:
    from mnemon.memory import Memory

LEASE_S = 30.0
FIRST_RETRY_S = 1.0
_IDLE_S = 0.5
_TIDY_S = 60.0
_KEEP_DONE_S = 24 * 3600.0
_KEEP_DEAD_S = 30 * 24 * 3600.0

_log = logging.getLogger("mnemon.jobs")

Told = Callable[[Job[Any]], None]


class Worker:
    """Takes jobs of a store and carries them out through a memory, one at a time.

    `lease` is for how many seconds a job is held between renewals: so long it stays with a process
    that died. `first_retry` is how many seconds a job waits after its first failure. `told` is
    called with every job as it was left.
    """

    def __init__(
        self,
        memory: Memory,
        store: Store,
        *,
        told: Told | None = None,
        lease: float = LEASE_S,
        first_retry: float = FIRST_RETRY_S,
    ) -> None:
        self._memory = memory
        self._store = store
        self._told = told
        self._lease = lease
        self._first_retry = first_retry
        self._closing = threading.Event()
        self._tidied = float("-inf")
        self._trouble = ""

    def step(self) -> Job[Any] | None:
        """Carry out the next job that is due; how it was left, or None if none is due."""
        claim = self._store.queue.claim(tuple(CALLS), self._lease)
        if claim is None:
            return None
        self.carry_out(claim)
        left = self._store.queue.get(claim.job.id) or claim.job
        if left.state in ("done", "cancelled"):
            uploads.drop(self._store.uploads, [left.id])
        if self._told is not None:
            self._told(left)
        return left

    def carry_out(self, claim: Claim) -> None:
        """Do the work of a job that was claimed, and say in the queue what became of it."""
        queue, job = self._store.queue, claim.job
        try:
            with Lease(queue, claim, self._lease, self._closing) as lease:
                actor = self._memory.acting(job.actor)
                result = CALLS[job.call](actor, self._store, job, lease.progress)
            queue.finish(claim, plain(result))
        except Stopped:
            queue.release(claim)
        except StoreClosed:
            raise
        except Exception as error:  # noqa: BLE001 - the edge: it is the job's now
            wait = None if failing.for_good(error) else delay(job.attempts, self._first_retry)
            queue.fail(claim, failing.document(error), wait)
        except BaseException:
            queue.release(claim)
            raise

    def work(self, wake: threading.Event) -> None:
        """Carry out what comes until `close`; `wake` says that something came."""
        while not self._closing.is_set():
            try:
                if self.step() is None:
                    self.tidy()
                    wake.wait(_IDLE_S)
                    wake.clear()
            except StoreClosed:
                return
            except (MnemonError, OSError) as error:  # busy or full: the jobs are safe, come later
                self._tell_once(error)
                self._closing.wait(_IDLE_S)

    def _tell_once(self, error: Exception) -> None:
        if str(error) != self._trouble:
            self._trouble = str(error)
            _log.warning("jobs wait, and are tried again: %s", error)

    def close(self) -> None:
        """End at the next step of the work, which is given back."""
        self._closing.set()

    def tidy(self) -> None:
        """Once a minute: delete old jobs, and files whose job is gone."""
        if time.monotonic() - self._tidied < _TIDY_S:
            return
        self._tidied = time.monotonic()
        self._store.queue.sweep(_KEEP_DONE_S, _KEEP_DEAD_S)
        for id, came in uploads.owners(self._store.uploads).items():
            job = self._store.queue.get(id)
            left = job is None or job.state in ("done", "cancelled")
            if left and time.time() - came > _TIDY_S:  # a younger one's job is about to come
                uploads.drop(self._store.uploads, [id])
