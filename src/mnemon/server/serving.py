"""Running the app: binding, logging, and refusing to be open to a network without keys."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable

import uvicorn

from mnemon.errors import InvalidInput
from mnemon.server.app import build
from mnemon.server.keys import beside
from mnemon.server.settings import Settings
from mnemon.store.address import shown


def check(settings: Settings) -> None:
    """Raise InvalidInput when others could reach a memory that asks for no key."""
    if not settings.local and not beside(settings.place).known():
        raise InvalidInput(
            f"serving on {settings.host} lets other machines in, and there are no API keys for "
            f"{shown(str(settings.store))}: add one with `mnemon key add`, or serve on 127.0.0.1"
        )


def server(settings: Settings) -> uvicorn.Server:
    """A server that is ready to run.

    Raises:
        InvalidInput: see `check`.
    """
    check(settings)
    config = uvicorn.Config(
        build(settings), host=settings.host, port=settings.port,
        access_log=False, log_config=None, server_header=False,
    )  # fmt: skip
    return uvicorn.Server(config)


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until interrupted; `ready` is told the address once others can connect.

    Raises:
        InvalidInput: the port is taken, or others would get in without keys.
    """
    check(settings)
    with _listening(settings) as listening:
        host, port = listening.getsockname()[:2]
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        _log_to_stderr()
        server(settings).run(sockets=[listening])


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise InvalidInput(
            f"cannot listen at {settings.host}, port {settings.port} ({error}): "
            "choose another with --host or --port"
        ) from error


def _log_to_stderr() -> None:
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("mnemon.server")
    log.addHandler(lines)
    log.setLevel(logging.INFO)
