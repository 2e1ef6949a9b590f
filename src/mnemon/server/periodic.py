"""Work that comes round by itself while a server runs: one thread, one function."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable

from mnemon.errors import MnemonError

log = logging.getLogger("mnemon.server")
_FIRST_S = 60.0


class Periodic:
    """Calls a function every so many seconds, first after a minute (or sooner, if it comes round
    sooner). An error is logged, and the next time comes all the same."""

    def __init__(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        self._name, self._seconds, self._work = name, seconds, work
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._go, name=f"mnemon-{name}", daemon=True)

    def start(self) -> None:
        """Begin to wait for the first time."""
        self._thread.start()

    def stop(self) -> None:
        """Let what is under way end, then return."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _go(self) -> None:
        wait = min(_FIRST_S, self._seconds)
        while not self._stopped.wait(wait):
            wait = self._seconds
            try:
                self._work()
            except (MnemonError, OSError) as error:
                told = {"level": "error", "work": self._name, "error": type(error).__name__}
                log.error(json.dumps(told))
