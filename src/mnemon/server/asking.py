"""Asking a home (see `mnemon.server.homes`) from the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 4  # each holds a connection of the store's for one round trip


class Asking:
    """Calls what asks a home: at once, or on a thread where the answer comes from `far`. Not on one
    of those that work: who waits for this has not begun his work, so a deadline ends it."""

    def __init__(self, far: bool) -> None:
        self._far = far
        self._limiter: CapacityLimiter | None = None  # belongs to the loop that it is made in

    async def __call__(self, ask: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """The answer."""
        if not self._far:
            return ask(*given, **named)
        self._limiter = self._limiter or CapacityLimiter(_THREADS)
        return await run_sync(lambda: ask(*given, **named), limiter=self._limiter)
