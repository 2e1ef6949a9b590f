"""The threads that work a queue off while a memory is open; none before one is asked for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from mnemon.jobs.worker import Worker

_PATIENCE_S = 5.0


class Crew:
    """Workers in threads. A memory's crew is shared by all its actors, and ends with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._members: list[tuple[Worker, threading.Thread]] = []
        self._pid: int | None = None

    def start(self, workers: int, make: Callable[[], Worker]) -> None:
        """Start so many workers, once; in a fork once more, since threads stay with the parent."""
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            self._wake = threading.Event()
            self._members = []
            for number in range(workers):
                worker = make()
                thread = threading.Thread(
                    target=worker.work, args=(self._wake,), name=f"mnemon-jobs-{number}",
                    daemon=True,
                )  # fmt: skip
                thread.start()
                self._members.append((worker, thread))

    def wake(self) -> None:
        """Something came."""
        self._wake.set()

    def close(self) -> None:
        """End all of them at the next step of their work, which goes back into the queue; what has
        no step within a few seconds stays with this process until its lease ends."""
        with self._lock:
            members, self._members = self._members, []
            mine = self._pid == os.getpid()
        for worker, _ in members if mine else ():
            worker.close()
        self._wake.set()
        for _, thread in members if mine else ():
            thread.join(_PATIENCE_S)
