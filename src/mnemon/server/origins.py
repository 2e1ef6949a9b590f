"""Without keys, whoever reaches the port may do everything: so a web page must not reach it.

A page that some browser shows can send requests to 127.0.0.1, or make its own name point there.
Both show: in `Origin`, and in `Host`.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from mnemon.errors import AccessDenied
from mnemon.server import failures
from mnemon.server.access import Service
from mnemon.server.heads import Heads
from mnemon.server.settings import is_loopback


class Local:
    """Puts `mnemon.open` into the scope, whether there are no keys; then it refuses what does not
    come from this machine's own programs."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._local = service.settings.local and service.oauth is None
        self._asking, self._keys = service.asking, service.home.keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/healthz":  # which asks for nothing
            await self._app(scope, receive, send)
            return
        scope["mnemon.open"] = self._local and not await self._asking(self._keys.in_use)
        if scope["mnemon.open"]:
            heads = Heads.of(scope)
            host, origin = heads.get(b"host") or "", heads.get(b"origin")
            if not is_loopback(_name(f"//{host}")) or origin not in (None, f"http://{host}"):
                error = AccessDenied(
                    "without API keys this server answers only programs of this machine, not web "
                    "pages: add a key with `mnemon key add`"
                )
                await failures.of(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


@lru_cache(maxsize=256)
def _name(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
