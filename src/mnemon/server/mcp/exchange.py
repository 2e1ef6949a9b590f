"""One exchange over HTTP with somebody who has access to a memory: a message in, its answer out."""

from __future__ import annotations

from typing import Any

import anyio
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import Response
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

        async def told(message: Message) -> None:
            if act.failed is not None:
                logs.told_of(scope, act.failed)
            await send(message)

        body = await Request(scope, receive).body()
        async with manager.run():
            # What was begun is finished, and so audited, also if the caller goes away meanwhile.
            await manager.handle_request(scope, given_again(body, _for_ever), told)


async def _for_ever() -> Any:
    await anyio.sleep_forever()
