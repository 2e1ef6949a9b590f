"""The app: routes, limits and errors put together around one open memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from mnemon import __version__
from mnemon.memory import Memory
from mnemon.server import failures, spool
from mnemon.server.access import Service
from mnemon.server.deadline import Deadline
from mnemon.server.keys import beside
from mnemon.server.limits import Bounded
from mnemon.server.logs import Logged
from mnemon.server.origins import Local
from mnemon.server.routes import ask, forget, health, remember, transfer, upkeep
from mnemon.server.settings import Settings
from mnemon.wire.problems import MEDIA_TYPE

GROUPS = (remember, ask, forget, upkeep, transfer, health)
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


def build(settings: Settings) -> FastAPI:
    """The app of a store; the memory is open when it returns and closed when the app ends.

    Raises:
        StoreCorrupt, StoreTooNew, StoreReadOnly, StoreError: the store cannot be opened.
    """
    spool.clear(settings.place)
    service = Service(Memory(settings.store), beside(settings.place), settings)
    app = FastAPI(
        title="Mnemon",
        version=__version__,
        description="The system calls of a memory, over HTTP.",
        docs_url=None,
        redoc_url=None,
        lifespan=_life,
        responses={"4XX": _PROBLEM, "5XX": _PROBLEM},
    )
    app.state.service = service
    for group in GROUPS:
        app.include_router(group.router)
    failures.register(app)
    # The last one added is the outermost.
    app.add_middleware(Bounded, settings=settings)
    app.add_middleware(Deadline, settings=settings)
    app.add_middleware(Local, settings=settings, keys=service.keys)
    app.add_middleware(Logged)
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    current_default_thread_limiter().total_tokens = service.settings.threads
    try:
        yield
    finally:
        service.memory.close()
