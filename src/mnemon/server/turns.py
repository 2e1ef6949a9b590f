"""Turns at the processor: searches that compute side by side only fight over the interpreter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_SECONDS = 1.0


class Turns:
    """As many at once as there are turns; whoever takes longer than a second gives the turn up and
    goes on, so that a slow one holds up nobody for long."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one, and have it."""
        await self._free.acquire()
        had = True

        def give_up() -> None:
            nonlocal had
            if had:
                had = False
                self._free.release()

        timer = asyncio.get_running_loop().call_later(_SECONDS, give_up)
        try:
            yield
        finally:
            timer.cancel()
            give_up()
