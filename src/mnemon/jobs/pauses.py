"""Waiting for another process: how long to sleep between looks."""

from __future__ import annotations

import time
from collections.abc import Iterator

_FIRST_S, _LONGEST_S = 0.01, 0.25


def pauses(seconds: float) -> Iterator[float]:
    """Seconds to sleep, again and again, longer each time, until so many seconds are over."""
    end, pause = time.monotonic() + seconds, _FIRST_S
    while (left := end - time.monotonic()) > 0:
        yield min(pause, left)
        pause = min(_LONGEST_S, pause * 1.5)
