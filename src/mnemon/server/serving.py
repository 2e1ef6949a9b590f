"""Running the app: binding, logging, leaving, and refusing to be open to a network without keys."""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from mnemon.errors import InvalidInput, ServerError
from mnemon.memory import Memory
from mnemon.server import keys, workers
from mnemon.server.app import build
from mnemon.server.connections import Connection
from mnemon.server.homes import opening as homes
from mnemon.server.logs import AsJSON
from mnemon.server.proxy import upstream
from mnemon.server.settings import Settings
from mnemon.store.address import shown

_LEAVING_SECONDS = 30  # for calls under way; then they are cut off
_FILES = 65_536  # a connection is one
_WAITING = 2048  # connections that nobody has accepted yet
_BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Server(uvicorn.Server):
    """Told to stop by SIGTERM, it says for a while that it is not ready, and goes on serving: who
    balances load over several needs that time to look elsewhere. A second signal ends the wait."""

    _until: float | None = None
    parent: int | None = None
    """The process that it must not outlive."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        settings: Settings = self.config.app.state.service.settings  # type: ignore[union-attr]
        self.config.app.state.leaving = True  # type: ignore[union-attr]
        if sig != signal.SIGTERM or self._until is not None:
            super().handle_exit(sig, frame)
        else:
            self._until = time.monotonic() + settings.drain

    async def on_tick(self, counter: int) -> bool:
        over = self._until is not None and time.monotonic() >= self._until
        if over or self.parent not in (None, os.getppid()):
            self.should_exit = True
        return await super().on_tick(counter)


def check(settings: Settings) -> None:
    """Raise InvalidInput when others could reach a memory that asks for no key, or for an upstream
    or an issuer that cannot be one."""
    upstream.check(settings)
    if settings.oauth is not None:
        settings.oauth.check()
    if urlsplit(settings.compile_to or "").password is not None:
        raise InvalidInput(
            "--compile-to has a password, which the jobs would show: name the place without it"
        )
    with homes.opened(str(settings.store)) as home:
        if home.keys.in_use():
            return
    store = shown(str(settings.store))
    if keys.beside(settings.place).in_use():
        raise InvalidInput(
            f"keys are in the database, and {store} has none; those in {settings.place}-keys.json "
            "open nothing any more: bring them in with `mnemon key import`, or move the file away"
        )
    if not settings.local and settings.oauth is None:
        raise InvalidInput(
            f"serving on {settings.host} lets other machines in, and there are no API keys for "
            f"{store}: add one with `mnemon key add`, or serve on 127.0.0.1"
        )


def server(settings: Settings, tracing: Any = None) -> Server:
    """A server that is ready to run; `tracing` as for `build`.

    Raises:
        InvalidInput: see `check`.
    """
    check(settings)
    config = uvicorn.Config(
        build(settings, tracing), host=settings.host, port=settings.port, http=Connection,
        access_log=False, log_config=None, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=_LEAVING_SECONDS,
    )  # fmt: skip
    return Server(config)


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until interrupted; `ready` is told the address once others can connect.

    Raises:
        InvalidInput: the port is taken, or others would get in without keys.
        UnknownName, InvalidInput, MissingExtra, EmbedderError: the program lacks something.
        ServerError: processes kept dying as soon as they were started.
    """
    check(settings)
    _prepare()
    with ExitStack() as stack:
        listening = [stack.enter_context(one) for one in _listening(settings)]
        only = server(settings) if settings.workers == 1 else None
        if only is None and settings.program != "default":
            # Each process will load what it needs: a library with threads must not be forked.
            workers.tried(partial(_program_ready, settings))
        host, port = listening[0].getsockname()[:2]
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        _log_to_stderr()
        if only is not None:
            only.run(sockets=listening)
            return
        # A process that listens no more must not be dealt connections: the parent lets go first.
        work = partial(_work, settings, listening, os.getpid())
        if workers.run(settings.workers, work, stack.close):
            raise ServerError("the server's processes end as soon as they are started: see its log")


def _program_ready(settings: Settings) -> None:
    Memory(settings.store, program=settings.program)._prepared().close()


def _work(settings: Settings, listening: list[socket.socket], parent: int, own: int) -> None:
    for other in (*listening[:own], *listening[own + 1 :]) if len(listening) > 1 else ():
        other.close()
    one = server(settings)
    one.parent = parent
    one.run(sockets=[listening[own % len(listening)]])


def _prepare() -> None:
    # Requests are what runs side by side here: threads below them would fight over the same cores,
    # and wait for each other spinning. numpy asks once, when it is imported: that is yet to come.
    for name in _BLAS:
        os.environ.setdefault(name, "1")
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    if now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _listening(settings: Settings) -> list[socket.socket]:
    """The sockets to listen at, bound: where Linux deals connections out, one for each process.

    Processes that wait at one socket do not share alike: of sixteen connections, one may take all.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listen = partial(socket.create_server, family=family, backlog=_WAITING)
    made: list[socket.socket] = []
    try:
        made = [listen((settings.host, settings.port))]
        if settings.workers > 1 and sys.platform == "linux":
            # Only now: sockets that deal out would be let in beside another server's of this user.
            made.pop().close()
            made = [listen((settings.host, settings.port), reuse_port=True)]
            place = made[0].getsockname()[:2]
            while len(made) < settings.workers:
                made.append(listen(place, reuse_port=True))
        return made
    except OSError as error:
        for one in made:
            one.close()
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
    told = logging.StreamHandler(sys.stderr)
    told.setFormatter(AsJSON())
    for name in ("mnemon.jobs", "mcp"):
        logging.getLogger(name).addHandler(told)
