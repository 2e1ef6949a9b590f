"""The app: routes, limits and errors put together around one open memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from mnemon import __version__
from mnemon.memory import Memory
from mnemon.server import described, failures, heads, logs, otel, page, retention, spool
from mnemon.server.access import Service
from mnemon.server.asking import Asking
from mnemon.server.audit.recording import Audited
from mnemon.server.deadline import Deadline
from mnemon.server.homes import opening as homes
from mnemon.server.identified import Identified
from mnemon.server.limits import Bounded
from mnemon.server.logs import Logged
from mnemon.server.metrics import Measured, Metrics
from mnemon.server.oauth import Tokens
from mnemon.server.oauth.challenge import Challenged
from mnemon.server.origins import Local
from mnemon.server.periodic import Periodic
from mnemon.server.proxy import routes as proxy
from mnemon.server.proxy.sessions import Sessions
from mnemon.server.proxy.upstream import connected
from mnemon.server.rates import Declared
from mnemon.server.routes import (
    ask,
    forget,
    health,
    jobs,
    mcp,
    metrics,
    oauth,
    remember,
    transfer,
    upkeep,
)
from mnemon.server.scheduling import Scheduling
from mnemon.server.settings import Settings
from mnemon.server.straight import Straight
from mnemon.wire.problems import MEDIA_TYPE

GROUPS = (remember, ask, forget, upkeep, transfer, jobs, proxy, mcp, oauth, health, metrics)
_SCHEMA = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`urn:mnemon:` and the error's name."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was wrong, and what to do."},
    },
    "additionalProperties": True,  # the error's own data
}
_PROBLEM = {"description": "A problem (RFC 9457).", "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}


class App(FastAPI):
    """The framework's app behind layers of our own, outermost first. A request that one of them
    answers costs nothing of the framework's."""

    layers: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.layers(scope, receive, send)
        else:
            await self.routed(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The description of the routes, made once."""
        if self.openapi_schema is None:
            described.plain(super().openapi())
        return super().openapi()

    async def routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is behind the layers."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            await heads.asked(super().__call__, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def build(settings: Settings, tracing: Any = None) -> App:
    """The app of a store; the memory is open when it returns and closed when the app ends.

    `tracing` is OpenTelemetry's tracer provider; by default one that exports, if settings ask.

    Raises:
        StoreCorrupt, StoreTooNew, StoreReadOnly, StoreError: the store cannot be opened.
        UnknownName, InvalidInput, MissingExtra, EmbedderError: the program lacks something.
        MissingExtra: traces are asked for, and the extra `otel` is not installed.
        InvalidInput, MissingExtra: the upstream or the issuer cannot be used.
    """
    provider = tracing or (otel.exporting() if settings.otel else None)
    upstream = connected(settings)
    tokens = None if settings.oauth is None else Tokens(settings.oauth)
    spool.clear(settings.place)
    memory = Memory(settings.store, program=settings.program)._prepared()
    home = homes.of(memory._store)
    declared = Declared(memory._store)
    service = Service(memory, home, settings, Asking(home.far), declared, tokens)
    app = App(
        title="Mnemon",
        version=__version__,
        description="The system calls of a memory, over HTTP.",
        docs_url=None,
        redoc_url=None,
        lifespan=_life,
        routes=_routes(),
    )
    app.state.service = service
    app.state.metrics = Metrics(service.memory.size)
    app.state.tracing = provider
    app.state.upstream, app.state.chats = upstream, Sessions()
    app.state.leaving = False
    app.state.imports = asyncio.Semaphore(max(1, settings.threads // 4))
    page.register(app)
    failures.register(app)
    app.layers = _layers(app, service, provider)
    return app


@cache
def _routes() -> list[BaseRoute]:
    """The routes, which all apps share: what each of them takes and gives costs pydantic 0.2 s.

    They are put together here: a router that includes others analyses them once more.
    """
    every: list[BaseRoute] = []
    for group in (*GROUPS, *page.GROUPS):
        every += group.router.routes
    for route in every:
        if isinstance(route, APIRoute):
            route.responses = {**_RESPONSES, **route.responses}
    return every


def _layers(app: App, service: Service, provider: Any) -> ASGIApp:
    settings = service.settings
    log = None if settings.audit == "off" else service.home.log
    layers: ASGIApp = Straight(app.routed, service=service)
    layers = Bounded(layers, settings=settings)
    layers = Local(layers, service=service)
    if settings.oauth is not None:
        layers = Challenged(layers, settings.oauth)
    layers = Audited(layers, log=log, reads=settings.audit == "reads")
    layers = Deadline(layers, settings=settings)  # what is answered late is audited as it ends
    layers = Logged(layers)
    layers = Measured(layers, metrics=app.state.metrics)
    if provider is not None:
        layers = otel.Traced(layers, provider=provider)
    return Identified(layers)


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    current_default_thread_limiter().total_tokens = service.settings.threads
    settings, rounds = service.settings, _rounds(service)
    for one in rounds:
        one.start()
    service.memory.jobs.start(settings.jobs, told=logs.job)
    if service.oauth is not None:
        service.oauth.keys.refresh()
    try:
        yield
    finally:
        for one in rounds:
            one.stop()
        try:
            if app.state.upstream is not None:
                await app.state.upstream.close()
            if service.oauth is not None:
                await service.oauth.close()
        finally:
            service.memory.close()
            if app.state.tracing is not None:
                app.state.tracing.shutdown()


def _rounds(service: Service) -> list[Periodic]:
    settings, begin = service.settings, service.home.rounds.begin
    every = settings.retention_every
    forget = partial(retention.run, settings.store, turn=partial(begin, "retention", every))
    rounds = [Periodic("retention", every, forget)]
    if settings.schedule_every:
        told = settings.store, settings.schedule_model, settings.schedule_to
        # Who has a model does more than who has none: neither does the other's rounds.
        name = " ".join(filter(None, ("schedule", *told[1:])))
        turn = partial(begin, name, settings.schedule_every)
        run = partial(Scheduling(*told).run, turn)
        rounds.append(Periodic("schedule", settings.schedule_every, run))
    return rounds
