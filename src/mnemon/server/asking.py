"""Asking a home (see `mnemon.server.homes`) from the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

P = ParamSpec("P")
T = TypeVar("T")


class Asking:
    """Calls what asks a home: at once, or on a thread where the answer comes from `far`. These are
    `threads` of their own: who waits for one has not begun his work, so a deadline ends it."""

    def __init__(self, far: bool, threads: int) -> None:
        self._far, self._threads = far, threads
        self._limiter: CapacityLimiter | None = None  # belongs to the loop that it is made in

    async def __call__(self, ask: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """The answer."""
        if not self._far:
            return ask(*given, **named)
        self._limiter = self._limiter or CapacityLimiter(self._threads)
        return await run_sync(lambda: ask(*given, **named), limiter=self._limiter)
