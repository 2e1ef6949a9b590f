"""Serving over streamable HTTP, to programs on this machine only; others: `mnemon serve`."""

from __future__ import annotations

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings

from mnemon.errors import InvalidInput
from mnemon.server.mcp.address import PATH
from mnemon.server.mcp.desk import Desk
from mnemon.server.mcp.serving import server

_LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "localhost", "::1": "[::1]"}


def check(host: str) -> None:
    """Raise InvalidInput for a host that others can reach: no keys are asked for here."""
    if host not in _LOOPBACK:
        raise InvalidInput(
            f"`mnemon mcp --http` has no keys and serves this machine only, not {host!r}: use "
            f"{', '.join(_LOOPBACK)}. For others there is `mnemon serve`, which offers the same "
            f"tools at {PATH} to whoever has a key"
        )


def serve_http(desk: Desk, host: str, port: int) -> None:
    """Serve until interrupted.

    Raises:
        InvalidInput: see `check`.
    """
    check(host)
    app = server(desk).streamable_http_app(streamable_http_path=PATH, transport_security=_safe())
    uvicorn.run(app, host=host, port=port, log_level="warning")


def _safe() -> TransportSecuritySettings:
    # Against DNS rebinding: a page in a browser may send requests here, but not with these names.
    names = [*_LOOPBACK.values(), *(f"{name}:*" for name in _LOOPBACK.values())]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=names,
        allowed_origins=[f"http://{name}" for name in names],
    )
