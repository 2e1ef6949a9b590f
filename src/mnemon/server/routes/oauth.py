"""Where clients learn which issuer's tokens open this server (RFC 9728); needs no key."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from mnemon.server.access import Service
from mnemon.server.mcp import address
from mnemon.server.oauth.challenge import metadata
from mnemon.server.oauth.options import METADATA
from mnemon.server.replies import Reply

router = APIRouter(tags=["oauth"], include_in_schema=False)


@router.get(METADATA)
async def server(request: Request) -> Response:
    """The metadata of the server as a whole."""
    return _told(request, "")


@router.get(f"{METADATA}{address.PATH}")
@router.get(f"{METADATA}{address.TEMPLATE}")
async def mcp(request: Request) -> Response:
    """The metadata of an address of the tools: the same for every namespace but for its own name,
    whether or not there is one."""
    if not address.leads(request.scope["path"].removeprefix(METADATA)):
        raise HTTPException(404)
    return _told(request, address.written(request.scope, METADATA))


def _told(request: Request, path: str) -> Response:
    service: Service = request.app.state.service
    if service.oauth is None:
        raise HTTPException(404)
    return Reply(metadata(service.oauth.options, path))
