"""Calls that arrive while others are being carried out are carried out together, as one.

A lone one waits for nobody. While adds are on their way to the disk, what comes in gathers, and is
the next commit; so the busier a server is, the less an add costs. The audit log does the same.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

_MOST = 64

Call = TypeVar("Call")
Answer = TypeVar("Answer")


class Gathered(Generic[Call, Answer]):
    """Calls for one event loop. `work` answers each of several, on a thread, or tells why one
    failed. So many batches are at work `at_once`: by two, the next one is prepared while the last
    is on its way. A caller who goes away before the call's turn withdraws it, unless calls are
    `binding`.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Call]], Sequence[Answer | Exception]],
        *,
        at_once: int = 2,
        binding: bool = False,
    ) -> None:
        self._work = work
        self._at_once = at_once
        self._binding = binding
        self._waiting: deque[tuple[Call, asyncio.Future[Answer]]] = deque()
        self._limiter: CapacityLimiter | None = None  # belongs to the loop that it is made in
        self._working: set[asyncio.Task[None]] = set()

    async def ask(self, call: Call) -> Answer:
        """The answer, once the call has been carried out."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, answer))
        if len(self._working) < self._at_once:
            self._working.add(asyncio.create_task(self._carry_out()))
        return await answer

    async def _carry_out(self) -> None:
        self._limiter = self._limiter or CapacityLimiter(self._at_once)
        try:
            await self._until_none_waits()
        finally:
            # Here and not when the task is done, which the loop tells later: a call that came in
            # between would be left to a worker that has already looked for the last time.
            self._working.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _until_none_waits(self) -> None:
        while batch := self._next():
            calls = [call for call, _ in batch]
            try:
                found = await run_sync(self._work, calls, limiter=self._limiter)
            except Exception as error:  # noqa: BLE001 - handed to everyone whose call was in it
                found = [error] * len(batch)
            for (_, answer), one in zip(batch, found, strict=True):
                if answer.done():
                    continue
                if isinstance(one, Exception):
                    answer.set_exception(one)
                else:
                    answer.set_result(one)

    def _next(self) -> list[tuple[Call, asyncio.Future[Answer]]]:
        batch: list[tuple[Call, asyncio.Future[Answer]]] = []
        while self._waiting and len(batch) < _MOST:
            call, answer = self._waiting.popleft()
            if self._binding or not answer.done():
                batch.append((call, answer))
        return batch
