"""Where clients learn which issuer's tokens open this server (RFC 9728); needs no key."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from mnemon.server.access import Service
from mnemon.server.oauth.challenge import metadata
from mnemon.server.oauth.options import METADATA, PATH
from mnemon.server.replies import Reply

router = APIRouter(tags=["oauth"], include_in_schema=False)


@router.get(METADATA)
async def server(request: Request) -> Response:
    """The metadata of the server as a whole."""
    return _told(request, "")


@router.get(f"{METADATA}{PATH}")
async def mcp(request: Request) -> Response:
    """The metadata of `/mcp`."""
    return _told(request, PATH)


def _told(request: Request, path: str) -> Response:
    service: Service = request.app.state.service
    if service.oauth is None:
        raise HTTPException(404)
    return Reply(metadata(service.oauth.options, path))
