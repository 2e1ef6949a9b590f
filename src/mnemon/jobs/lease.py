"""A lease: a job is held while its work goes on, and the work told when it must stop."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from mnemon.errors import StoreError
from mnemon.store.queue import Claim, Queue

_OFTEN_S = 1.0


class Stopped(Exception):
    """The work must end here: it was cancelled, its worker is closing, or it is another's now."""


class Lease:
    """Renews a claim from a thread of its own, so that one long step of the work loses nothing.

    Used as a context; `progress` is given to the work, which calls it at every step.
    """

    def __init__(
        self, queue: Queue, claim: Claim, seconds: float, closing: threading.Event
    ) -> None:
        self._queue = queue
        self._claim = claim
        self._seconds = seconds
        self._closing = closing
        self._over = threading.Event()
        self._stopped = False
        self._progress: tuple[int, int] | None = None
        self._renewed = float("-inf")  # so the first step looks whether it is still wanted
        self._thread = threading.Thread(target=self._go_on, name="mnemon-lease", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def progress(self, done: int, total: int) -> None:
        """Say how far the work is.

        Raises:
            Stopped: it must end here.
        """
        self._progress = (done, total)
        if time.monotonic() - self._renewed > min(_OFTEN_S, self._seconds / 3):
            self._renew()
        if self._stopped or self._closing.is_set():
            raise Stopped

    def _go_on(self) -> None:
        while not self._over.wait(self._seconds / 3):
            self._renew()

    def _renew(self) -> None:
        try:
            job = self._queue.renew(self._claim, self._seconds, self._progress)
        except StoreError:
            return  # busy or full: there is time for another try before the lease ends
        self._renewed = time.monotonic()
        if job is None or job.cancelling:
            self._stopped = True
