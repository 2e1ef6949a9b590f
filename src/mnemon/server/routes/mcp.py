"""The tools of MCP by streamable HTTP, at `/mcp` and `/mcp/<namespace>`: the same keys and limits
as every other route.

Every request stands for itself (the protocol's stateless way, answered in JSON): it brings its key,
and any process or replica may answer it. So a key that was revoked ends what a client began with
it, and no session outlives a process or has an owner who must be checked.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Header, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials
from starlette.concurrency import run_in_threadpool

from mnemon import namespace as paths
from mnemon.errors import InvalidInput
from mnemon.models.extras import require
from mnemon.server import access
from mnemon.server.access import Grant, Service
from mnemon.server.mcp import address

router = APIRouter(tags=["mcp"])

ACTOR = "mcp"
"""Who acts where no keys are used and nobody is named."""


@router.post(address.PATH, include_in_schema=False)
@router.post(address.TEMPLATE, include_in_schema=False)
async def mcp(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(access.bearer)],
    mnemon_namespace: Annotated[str | None, Header()] = None,
    mnemon_actor: Annotated[str | None, Header()] = None,
) -> Response:
    """One message of the Model Context Protocol."""
    service: Service = request.app.state.service
    told = None if given is None else given.credentials
    actor = mnemon_actor or (ACTOR if request.scope["mnemon.open"] else None)
    grant = await access.admitted(service, request.scope, told, actor)
    scope = _scope(grant, address.namespace(request.scope["path"]), mnemon_namespace)
    return await run_in_threadpool(_exchange, grant, scope, service.settings.max_body)


def _scope(grant: Grant, addressed: str | None, header: str | None) -> str:
    told = None if header is None else paths.check(unquote(header))
    if told is not None and addressed not in (None, told):
        raise InvalidInput(
            f"the address names the namespace {addressed!r} and the header Mnemon-Namespace "
            f"{told!r}: leave the header out"
        )
    told = told or addressed
    if told is None and grant.key is not None and len(several := grant.key.namespaces or ()) > 1:
        raise InvalidInput(
            "the key reaches several namespaces, and the tools work in one: name it in the "
            f"address, as in {address.of(several[0])}, or in the header Mnemon-Namespace"
        )
    return grant.place(told)


def _exchange(grant: Grant, scope: str, most: int) -> Response:
    # On a thread, for the first of them loads the protocol's SDK, which takes its time; and memory,
    # that a server whom nobody asks for tools does without.
    require("mcp", "mcp", "mcp")
    from mnemon.server.mcp.exchange import Exchange

    return Exchange(grant, scope, most)
