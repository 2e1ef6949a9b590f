"""For whoever watches: is the process alive, can it work, what does it offer."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from mnemon.server import failures, listing
from mnemon.server.access import Service
from mnemon.server.replies import Reply

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model=dict[str, str])
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz", response_model=dict[str, str])
async def readyz(request: Request) -> Response:
    """The store answers too, the server is not about to stop, and it can check access tokens."""
    service: Service = request.app.state.service
    if request.app.state.leaving:
        return failures.busy("the server is stopping")
    if service.oauth is not None and not service.oauth.keys.known:
        service.oauth.keys.refresh()
        return failures.busy("the issuer's keys could not be read yet, see the log")
    await run_in_threadpool(service.memory.log, limit=1)
    await service.asking(service.home.keys.in_use)
    return Reply({"status": "ready"})


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The routes, for people; needs no internet."""
    return HTMLResponse(listing.page(request.app.openapi()))
