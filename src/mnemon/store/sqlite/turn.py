"""Turns: processes that write to one file get its lock one after the other.

SQLite lets whoever asks at the right moment have it, and who finds it taken looks again after ever
longer pauses: of two busy processes one may wait for seconds. So who has once met another process
at the lock leaves a file, `<store>-turn`, and from then on all wait in line there: the next in line
holds its first byte, the one whose turn it is the second. SQLite's own lock stays what decides; a
process that dies or knows nothing of turns harms nothing but the order.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mnemon.errors import StoreBusy, StoreError

try:
    import fcntl
except ImportError:  # Windows: there whoever asks at the right moment goes on having it
    fcntl = None  # type: ignore[assignment]

_NEXT, _NOW = 0, 1  # bytes of the file
_PAUSE, _LONGEST = 0.0005, 0.003  # seconds between two looks, at first and at most,
_MORE = 1.3  # and how they grow


class Turns:
    """The line before one file, for one process at a time; `timeout` seconds is the longest wait.

    Locks of a process end when it closes any handle of the file: two stores in one process that
    have the same file may lose their place in line, no more.
    """

    def __init__(self, store: str, timeout: float) -> None:
        self._store = store
        self._path = f"{store}-turn"
        self._timeout = timeout
        self._file: int | None = None

    @property
    def taken(self) -> bool:
        """Whether there is a line: some process has met another."""
        if self._file is not None or fcntl is None:
            return self._file is not None
        return os.path.exists(self._path)  # noqa: PTH110 - at every commit, and this is faster

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, and have it.

        Raises:
            StoreBusy: it did not come in time.
            StoreError: the file of turns cannot be made.
        """
        if fcntl is None:
            yield
            return
        file, until = self._opened(), time.monotonic() + self._timeout
        self._wait(file, _NEXT, until)
        try:
            self._wait(file, _NOW, until)
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, _NEXT)
        try:
            yield
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, _NOW)

    def _opened(self) -> int:
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise StoreError(
                    f"{self._path}, by which processes take turns, cannot be opened ({error}): "
                    "see to the folder's permissions and room"
                ) from error
        return self._file

    def _wait(self, file: int, byte: int, until: float) -> None:
        pause = _PAUSE
        while True:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
                return
            except (BlockingIOError, PermissionError):  # what POSIX lets a system say
                if time.monotonic() >= until:
                    raise StoreBusy(
                        f"{self._store}: another process held the store longer than the timeout; "
                        "try again"
                    ) from None
            time.sleep(pause)
            pause = min(_LONGEST, _MORE * pause)

    def close(self) -> None:
        """Leave the line."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
