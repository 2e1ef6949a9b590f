"""The request timeout: the caller gets an answer in time even when the work takes longer."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemon.errors import ServerError
from mnemon.server import failures
from mnemon.server.settings import Settings

LONG = (
    "/v1/import", "/v1/export", "/v1/forget", "/v1/reflect", "/v1/reindex", "/v1/fsck",
    "/v1/chat/completions", "/v1/responses", "/v1/embeddings",
)  # fmt: skip
"""Routes whose work may take as long as it needs, or as another server's time limit says; a receipt
must reach whoever asked for it."""

WAITING = "/v1/jobs/"
"""Routes that wait as long as they are told to, and work for a moment."""


class Deadline:
    """Answers 504 when nothing else was answered in time.

    A thread cannot be stopped in the middle of a transaction: what it does is finished, and its
    answer thrown away. A write may so have been made, which the answer says.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._seconds = settings.timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in LONG or scope["path"].startswith(WAITING):
            await self._app(scope, receive, send)
            return
        answered, late = False, False

        async def once(message: Message) -> None:
            nonlocal answered
            if not late:
                answered = True
                await send(message)

        work = asyncio.ensure_future(self._app(scope, receive, once))
        try:
            await asyncio.wait({work}, timeout=self._seconds)
            if not work.done() and not answered:
                late = True
                await failures.of(self._error())(scope, receive, send)
                return
            await work
        finally:
            _kept.add(work)
            work.add_done_callback(_done)

    def _error(self) -> ServerError:
        return ServerError(
            f"no answer within {self._seconds:g} s: a write may still be made, so look before you "
            "repeat it, or send it with an Idempotency-Key"
        )


_kept: set[asyncio.Future[None]] = set()  # the loop alone would let go of unfinished work


def _done(work: asyncio.Future[None]) -> None:
    _kept.discard(work)
    if not work.cancelled():
        work.exception()  # it was told to the caller, or nobody is left to tell
