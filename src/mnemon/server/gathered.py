"""Adds that arrive while others are being written are written together: one commit for all.

A lone one waits for nobody. While a commit is on its way to the disk, what comes in gathers, and is
the next commit; so the busier a server is, the less an add costs.
"""

from __future__ import annotations

import asyncio
from collections import deque

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from mnemon.cube import MemCube
from mnemon.gathering import Call, add_each
from mnemon.memory import Memory

_AT_ONCE = 2  # the next commit is prepared while the last one is on its way
_MOST = 64


class Gathered:
    """Adds of single items, for one event loop."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._waiting: deque[tuple[Call, asyncio.Future[MemCube]]] = deque()
        self._limiter: CapacityLimiter | None = None  # belongs to the loop that it is made in
        self._working: set[asyncio.Task[None]] = set()

    async def add(self, call: Call) -> MemCube:
        """The cube once it is durable; what is cancelled before its turn is never written."""
        answer: asyncio.Future[MemCube] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, answer))
        if len(self._working) < _AT_ONCE:
            task = asyncio.create_task(self._write())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return await answer

    async def _write(self) -> None:
        self._limiter = self._limiter or CapacityLimiter(_AT_ONCE)
        while batch := self._next():
            calls = [call for call, _ in batch]
            try:
                found = await run_sync(add_each, self._memory, calls, limiter=self._limiter)
            except Exception as error:  # noqa: BLE001 - handed to everyone whose add was in it
                found = [error] * len(batch)
            for (_, answer), one in zip(batch, found, strict=True):
                if answer.done():
                    continue
                if isinstance(one, Exception):
                    answer.set_exception(one)
                else:
                    answer.set_result(one)

    def _next(self) -> list[tuple[Call, asyncio.Future[MemCube]]]:
        batch: list[tuple[Call, asyncio.Future[MemCube]]] = []
        while self._waiting and len(batch) < _MOST:
            call, answer = self._waiting.popleft()
            if not answer.done():
                batch.append((call, answer))
        return batch
