"""One exchange over HTTP with somebody who has access to a memory: a message in, its answer out."""

from __future__ import annotations

import json
from typing import Any

import anyio
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import INVALID_REQUEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from mnemon.server import logs
from mnemon.server.access import Grant
from mnemon.server.limits import given_again
from mnemon.server.mcp.desk import Desk
from mnemon.server.mcp.serving import server

# The app's own layers have looked at Host and Origin: see `mnemon.server.origins`.
_LOOKED_AT = TransportSecuritySettings(enable_dns_rebinding_protection=False)


class Exchange(Response):
    """Answers a message by tools that get as far as a grant does.

    Args:
        grant: what the caller may do.
        scope: the namespace that the tools work in.
        most: bytes of a message.
    """

    def __init__(self, grant: Grant, scope: str, most: int) -> None:
        super().__init__()
        self._grant, self._scope, self._most = grant, scope, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it."""
        act = self._grant.act
        desk = Desk(self._scope, self._grant.on, act)
        # The SDK's manager keeps nothing between messages; one for each has nothing to mix up.
        manager = StreamableHTTPSessionManager(
            server(desk, strangers=True), json_response=True, stateless=True,
            security_settings=_LOOKED_AT, max_request_body_size=self._most,
        )  # fmt: skip

        body = await Request(scope, receive).body()
        refused = False

        async def told(message: Message) -> None:
            nonlocal refused
            if act.failed is not None:
                logs.told_of(scope, act.failed)
            if act.failed is not None and act.lacks is not None and not refused:
                refused = True
                await _lacking(body, act.failed)(scope, receive, send)
            if not refused:
                await send(message)

        async with manager.run():
            # What was begun is finished, and so audited, also if the caller goes away meanwhile.
            await manager.handle_request(scope, given_again(body, _for_ever), told)


def _lacking(body: bytes, error: Exception) -> Response:
    """The answer for a token that lacks a scope: 403, which its client can get more for, where
    anybody else is told by the tool (the protocol's "Scope Challenge Handling")."""
    asked = json.loads(body)
    told = {"code": INVALID_REQUEST, "message": str(error)}
    id = asked.get("id") if isinstance(asked, dict) else None
    return JSONResponse({"jsonrpc": "2.0", "id": id, "error": told}, 403)


async def _for_ever() -> Any:
    await anyio.sleep_forever()
