"""Challenges: an answer that refuses says where tokens come from (RFC 9728, section 5.1), and what
was wrong with the one that came (RFC 6750, section 3)."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemon.server import access
from mnemon.server.heads import Heads
from mnemon.server.mcp import address
from mnemon.server.oauth import rules
from mnemon.server.oauth.options import METADATA, OAuth

_NAME = b"www-authenticate"
_OF_TOOLS = ("read", "write", "forget")  # what the tools at /mcp need


class Challenged:
    """Writes `WWW-Authenticate` on 401, and on 403 where a token lacks a scope."""

    def __init__(self, app: ASGIApp, options: OAuth) -> None:
        self._app = app
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        def told(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start" and message["status"] in (401, 403):
                self._tell(scope, message)
            return send(message)

        await self._app(scope, receive, told if scope["type"] == "http" else send)

    def _tell(self, scope: Scope, message: Message) -> None:
        headers = list(message.get("headers", ()))
        others = [one for one in headers if one[0].lower() != _NAME]
        if message["status"] == 401 and len(others) < len(headers):
            challenge = self._refused(scope)
        elif message["status"] == 403 and scope["mnemon.act"].lacks is not None:
            challenge = self._lacking(scope, scope["mnemon.act"].lacks)
        else:
            return
        message["headers"] = [*others, (_NAME, challenge.encode())]

    def _refused(self, scope: Scope) -> str:
        heads = Heads.of(scope)
        given = access.token(heads.get(b"authorization")) or heads.get(b"mnemon-key")
        error = 'error="invalid_token", ' if given else ""
        # By a role tokens get in that have no scope: their issuer may know none, and refuse it.
        wanted = "" if self._options.role else f', scope="{rules.told(_OF_TOOLS)}"'
        return f"Bearer {error}{self._where(scope)}{wanted}"

    def _lacking(self, scope: Scope, verb: str) -> str:
        wanted = rules.told([verb])
        return f'Bearer error="insufficient_scope", scope="{wanted}", {self._where(scope)}'

    def _where(self, scope: Scope) -> str:
        # A client takes no metadata but those of the address that it asked (RFC 9728, section 3.3).
        path = address.written(scope) if address.leads(scope["path"]) else address.PATH
        return f'resource_metadata="{self._options.origin}{METADATA}{path}"'


def metadata(options: OAuth, path: str) -> dict[str, Any]:
    """The document of a protected resource at a path of this server (RFC 9728, section 2)."""
    told: dict[str, Any] = {
        "resource": f"{options.origin}{path}",
        "authorization_servers": [options.issuer],
        "bearer_methods_supported": ["header"],
        "resource_name": "Mnemon",
    }
    if options.role is None:
        told["scopes_supported"] = rules.told().split()
    return told
