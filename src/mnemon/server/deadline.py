"""The request timeout: the caller gets an answer in time even when the work takes longer."""

from __future__ import annotations

import asyncio

from anyio.to_thread import current_default_thread_limiter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemon.errors import ServerError
from mnemon.server import failures
from mnemon.server.settings import Settings

LONG = ("/v1/forget", "/v1/reflect", "/v1/reindex", "/v1/fsck")
"""Routes whose work may take as long as it needs; a receipt must reach whoever asked for it."""

PASSED_ON = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings")
"""Routes at which another server works."""

WAITING = ("/v1/import", "/v1/export", "/v1/jobs/", *PASSED_ON)
"""What begins so waits for its sender, for its reader, for another server, or as long as it was
told to: it holds no thread meanwhile."""

_FOR_A_JOB = b"wait="
"""In a query: the work is done elsewhere, and the call only looks now and then."""

_HEALTH = ("/healthz",)


class Deadline:
    """Answers 504 when nothing else was answered in time.

    What has not begun by then never will: it waited for its turn, or for the rest of its body. A
    thread cannot be stopped in the middle of a transaction: what it does is finished, and its
    answer thrown away; a write may so have been made, which the answer says. Others get a thread in
    its place, until as many are overdue as work at once: then new calls are refused with 503 at
    once, until one of them ends.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._seconds = settings.timeout
        self._most = settings.threads
        self._overdue: set[asyncio.Future[None]] = set()
        self._long = asyncio.Semaphore(max(1, settings.threads // 4))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _HEALTH:
            await self._app(scope, receive, send)
        elif len(self._overdue) >= self._most:
            await failures.busy("too many calls are taking too long")(scope, receive, send)
        elif scope["path"].startswith(WAITING) or (
            scope["path"] in LONG and _FOR_A_JOB in scope["query_string"]
        ):
            await self._app(scope, receive, send)
        elif scope["path"] in LONG:
            async with self._long:  # so that they leave threads for the rest
                await self._app(scope, receive, send)
        else:
            await self._in_time(scope, receive, send)

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        answered, late = False, False

        async def once(message: Message) -> None:
            nonlocal answered
            if not late:
                answered = True
                await send(message)

        work = asyncio.ensure_future(self._app(scope, receive, once))
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()

        def end(_: object = None) -> None:
            if not over.done():
                over.set_result(None)

        work.add_done_callback(end)
        timer = loop.call_later(self._seconds, end)
        try:
            await over  # `asyncio.wait` does the same with more ado, at every request
            if not work.done() and not answered:
                late = True
                self._leave(work, scope)
                await failures.of(self._error())(scope, receive, send)
                return
            await work
        finally:
            timer.cancel()
            _kept.add(work)
            work.add_done_callback(_done)

    def _leave(self, work: asyncio.Future[None], scope: Scope) -> None:
        limiter = current_default_thread_limiter()
        at_work = (work, scope.get("mnemon.working"))  # the other is a task that it waits for
        if not any(one in at_work for one in limiter.statistics().borrowers):
            work.cancel()
            return
        more = int(len(self._overdue) < self._most)
        self._overdue.add(work)
        limiter.total_tokens += more

        def ended(work: asyncio.Future[None]) -> None:
            self._overdue.discard(work)
            limiter.total_tokens -= more

        work.add_done_callback(ended)

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
