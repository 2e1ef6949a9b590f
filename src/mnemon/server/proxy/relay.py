"""Relaying a stream: its bytes go through at once and untouched, the answer is read on the side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from mnemon.server.proxy.dialect import Listener
from mnemon.server.proxy.events import Events
from mnemon.server.proxy.turns import Answer
from mnemon.server.proxy.upstream import Headers, returned

Keep = Callable[[Answer], Awaitable[object]]


class Relay(StreamingResponse):
    """An upstream's stream. When either end goes away the other is let go, and nothing is kept.

    What the stream ends with waits until the answer is kept, so that whoever has seen the end finds
    it in memory.
    """

    def __init__(self, upstream: Any, listener: Listener, keep: Keep | None, told: Headers) -> None:
        super().__init__(_relayed(upstream, listener, keep), upstream.status_code)
        self.raw_headers = [*returned(upstream), *told]
        self._upstream = upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.body_iterator.aclose()  # type: ignore[attr-defined]  # a generator
            await self._upstream.aclose()


async def _relayed(upstream: Any, listener: Listener, keep: Keep | None) -> AsyncIterator[bytes]:
    events = Events()
    async for piece in upstream.aiter_bytes():
        if keep is not None:
            for event, data in events.feed(piece):
                listener.hear(event, data)
            if listener.over:
                await _kept(listener, keep)
                keep = None
        yield piece
    if keep is not None:
        await _kept(listener, keep)


async def _kept(listener: Listener, keep: Keep) -> None:
    if (answer := listener.answer) is not None:
        await keep(answer)
