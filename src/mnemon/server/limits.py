"""Limits of a request's body: bytes, and lists and objects inside each other."""

from __future__ import annotations

import re
from itertools import accumulate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemon.errors import ContentTooLarge, InvalidInput, MnemonError
from mnemon.server import failures
from mnemon.server.settings import Settings

STREAMED = ("/v1/import",)
"""Routes that take their body in pieces and count for themselves."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_BRACKET = bytes(one for one in range(256) if one not in b"[]{}")
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


class Bounded:
    """Reads a body whole, up to the limit, and looks at its depth before anything parses it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in STREAMED:
            await self._app(scope, receive, send)
            return
        try:
            body = await self._body(receive)
            if body is None:
                return
            check_depth(body, self._settings.max_depth)
        except MnemonError as error:
            await failures.of(error)(scope, receive, send)
            return
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> Message:
            return next(given, None) or await receive()

        await self._app(scope, again, send)

    async def _body(self, receive: Receive) -> bytes | None:
        """The body; None when the sender went away in the middle of it."""
        parts, taken, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            taken += len(parts[-1])
            more = message.get("more_body", False)
            if taken > self._settings.max_body:
                raise ContentTooLarge(
                    f"the body is over {self._settings.max_body:,} bytes: send it in several "
                    "requests, or a file to /v1/import"
                )
        return b"".join(parts)


def check_depth(body: bytes, most: int) -> None:
    """Raise InvalidInput for JSON nested deeper than `most`; a parser would recurse that deep."""
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKET)
    depth = max(accumulate(map(_STEP.__getitem__, brackets)), default=0)
    if depth > most:
        raise InvalidInput(f"the body is nested {depth} deep, {most} is the most: flatten it")
