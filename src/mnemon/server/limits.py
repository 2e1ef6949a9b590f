"""Limits of a request's body: bytes, and lists and objects inside each other."""

from __future__ import annotations

import re

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemon.errors import ContentTooLarge, InvalidInput
from mnemon.server import failures
from mnemon.server.settings import Settings

STREAMED = ("/v1/import",)
"""Routes that take their body in pieces and count for themselves."""

LARGE = 64 * 2**10
"""Bytes of a body above which looking at it would keep others waiting."""

_AT_ONCE = 8  # large bodies of the greatest size: they lie in memory
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_BRACKET = bytes(one for one in range(256) if one not in b"[]{}")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


class Bounded:
    """Reads a body whole, up to the limit, and looks at its depth before anything parses it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._room = _AT_ONCE * settings.max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in STREAMED:
            await self._app(scope, receive, send)
            return
        body = bytearray()
        try:
            if await self._read(receive, body):
                await self._looked_at(bytes(body), scope, receive, send)
        except _Refused as refused:
            await refused.problem(scope, receive, send)
        finally:
            self._room += len(body)

    async def _read(self, receive: Receive, body: bytearray) -> bool:
        """Whether the body came; not when the sender went away in the middle of it."""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            piece = message.get("body", b"")
            body += piece
            self._room -= len(piece)
            more = message.get("more_body", False)
            if len(body) > self._settings.max_body:
                raise _Refused(failures.of(self._too_large()))
            if self._room < 0 and len(body) > LARGE:
                raise _Refused(failures.busy("too many large bodies at once"))
        return True

    async def _looked_at(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if len(body) > LARGE:
                await run_in_threadpool(check_depth, body, self._settings.max_depth)
            else:
                check_depth(body, self._settings.max_depth)
        except InvalidInput as error:
            raise _Refused(failures.of(error)) from error
        await self._app(scope, given_again(body, receive), send)

    def _too_large(self) -> ContentTooLarge:
        return ContentTooLarge(
            f"the body is over {self._settings.max_body:,} bytes: send it in several requests, or "
            "a file to /v1/import"
        )


class _Refused(Exception):
    def __init__(self, problem: failures.Problem) -> None:
        super().__init__()
        self.problem = problem


def given_again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already."""
    given = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def again() -> Message:
        return next(given, None) or await receive()

    return again


def check_depth(body: bytes, most: int) -> None:
    """Raise InvalidInput for JSON nested deeper than `most`; a parser would recurse that deep."""
    if body.count(b"[") + body.count(b"{") <= most:
        return
    # Innermost pairs are taken out, level by level: in C, for a loop over millions would take long.
    left = _STRING.sub(b"", body).translate(_ONE_KIND, _NO_BRACKET)
    levels = 0
    while levels <= most and len(fewer := left.replace(b"[]", b"")) < len(left):
        left, levels = fewer, levels + 1
    if levels + len(left.lstrip(b"]")) > most:  # what is never closed is left over
        raise InvalidInput(f"the body is nested more than {most} deep: flatten it")
