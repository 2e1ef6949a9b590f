"""Several processes that serve at one address, so that every core searches.

Each opens the store for itself: SQLite lets one of them write at a time, and all see it at once.
They are forked, so what they have in common lies in memory only once.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import FrameType
from typing import Any

from mnemon.errors import MnemonError
from mnemon.wire import problems

_SHORT_LIFE = 5.0  # seconds: one that ends sooner would do so again at once
_PATIENCE = 3
_ENDING = (signal.SIGTERM, signal.SIGINT)


def run(count: int, serve: Callable[[int], None], stopping: Callable[[], None]) -> int:
    """Run `serve` in `count` processes, with their numbers from 0, until told to stop; one that
    dies is replaced by one of the same number. `stopping` is called when none will be any more.

    Returns:
        The exit status: 0 when it was told to stop, 1 when processes kept dying at the start.
    """
    crew = _Crew(serve, stopping)
    gc.freeze()  # a collection would touch, and so copy, every page that is shared
    before = [signal.signal(one, crew.stop) for one in _ENDING]
    try:
        for number in range(count):
            crew.start(number)
        return crew.watch()
    finally:
        for one, handler in zip(_ENDING, before, strict=True):
            signal.signal(one, handler)


def tried(work: Callable[[], None]) -> None:
    """Do `work`, which can be pickled, in a process that ends with it.

    Raises:
        MnemonError: the error that it ended with there.
    """
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        told = pool.submit(_problem, work).result()
    if told is not None:
        raise problems.error_of(told)


def _problem(work: Callable[[], None]) -> Mapping[str, Any] | None:
    try:
        work()
    except MnemonError as error:
        return problems.document(error)
    return None


class _Crew:
    def __init__(self, serve: Callable[[int], None], stopping: Callable[[], None]) -> None:
        self._serve = serve
        self._leave = stopping
        self._born: dict[int, tuple[int, float]] = {}  # process → its number, and when it began
        self._stopping = False
        self._short_lives = 0

    def start(self, number: int) -> None:
        if self._stopping:
            return
        pid = os.fork()
        if pid == 0:
            self._child(number)
        self._born[pid] = number, time.monotonic()
        if self._stopping:  # it was forked while the signal came
            os.kill(pid, signal.SIGTERM)

    def _child(self, number: int) -> None:
        status = 1
        try:
            for one in _ENDING:
                signal.signal(one, signal.SIG_DFL)
            self._serve(number)
            status = 0
        finally:
            _tell(sys.exception())
            os._exit(status)  # what the parent has open is the parent's to close

    def stop(self, number: int, frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = True
            self._leave()
        for pid in self._born:
            os.kill(pid, signal.SIGTERM)

    def watch(self) -> int:
        while self._born:
            pid, _ = os.wait()
            number, began = self._born.pop(pid)
            if self._stopping:
                continue
            lived = time.monotonic() - began
            self._short_lives = self._short_lives + 1 if lived < _SHORT_LIFE else 0
            if self._short_lives > _PATIENCE:
                self.stop(signal.SIGTERM, None)
            else:
                self.start(number)
        return int(self._short_lives > _PATIENCE)


def _tell(error: BaseException | None) -> None:
    """Why a process ends: nobody else would say so."""
    if isinstance(error, MnemonError):
        sys.stderr.write(f"Error: {error}\n")
    elif isinstance(error, Exception):
        sys.excepthook(type(error), error, error.__traceback__)
    sys.stderr.flush()
