"""A name for every request, and what every answer says: `X-Request-Id`, and how much is left of the
rates that it counts for.

A caller's own id is taken if it is letters, digits, `-` and `_` only: it goes into logs, which hold
nothing that was said.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemon.server.heads import Heads
from mnemon.server.rates import rate

_HEADER = b"x-request-id"
_PLAIN = re.compile(r"[\w-]{1,64}", re.ASCII)


class Identified:
    """Puts `mnemon.request` into the scope, and the headers on the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Heads.of(scope).get(_HEADER) or ""
        id = scope["mnemon.request"] = told if _PLAIN.fullmatch(told) else os.urandom(16).hex()

        def named(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if (taken := scope.get("mnemon.taken")) is not None:
                    headers += rate.headers(taken.standings)
                if all(name != _HEADER for name, _ in headers):  # the upstream's own passes
                    headers.append((_HEADER, id.encode()))
                message["headers"] = headers
            return send(message)

        await self._app(scope, receive, named)
