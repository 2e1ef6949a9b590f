"""The routes of the proxy: two for chats, and what else a client needs and no tenant can see."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from mnemon.errors import MnemonError, NotFound
from mnemon.server import failures
from mnemon.server.proxy.caller import Called, Caller
from mnemon.server.proxy.chat import CHAT
from mnemon.server.proxy.exchange import Gone, exchange, unless_gone, whole
from mnemon.server.proxy.responses import RESPONSES


class _Route(APIRoute):
    """Tells errors also in the way that OpenAI's clients look for: a member `error`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except MnemonError as error:
                request.scope["mnemon.error"] = type(error).__name__
                return _both(failures.of(error))

        return told


def _both(problem: failures.Problem) -> Response:
    told = json.loads(bytes(problem.body))
    code = told["type"].rpartition(":")[2]
    error = {"message": told["detail"], "type": "mnemon", "param": None, "code": code}
    headers = {name: value for name, value in problem.headers.items() if name != "content-length"}
    return failures.Problem({**told, "error": error}, problem.status_code, headers)


router = APIRouter(prefix="/v1", tags=["proxy"], route_class=_Route)


@router.post("/chat/completions", response_class=Response)
async def chat_completions(request: Request, caller: Called) -> Response:
    """A chat, as OpenAI's clients send it, with what memory holds; needs `--upstream`."""
    return await exchange(CHAT, request, caller)


@router.post("/responses", response_class=Response)
async def responses(request: Request, caller: Called) -> Response:
    """The same in the newer way; needs `--upstream`."""
    return await exchange(RESPONSES, request, caller)


@router.get("/models", response_class=Response)
async def models(request: Request, caller: Called) -> Response:
    """The upstream's models."""
    return await _passed(request, caller, "/models")


@router.get("/models/{id:path}", response_class=Response)
async def model(id: str, request: Request, caller: Called) -> Response:
    """One of the upstream's models."""
    if not {"", ".", ".."}.isdisjoint(id.split("/")):
        raise NotFound(f"no model is named {id!r}: GET /v1/models lists them")
    return await _passed(request, caller, f"/models/{quote(id)}")


@router.post("/embeddings", response_class=Response)
async def embeddings(request: Request, caller: Called) -> Response:
    """Embeddings by the upstream; memory has no part in them."""
    return await _passed(request, caller, "/embeddings")


async def _passed(request: Request, caller: Caller, path: str) -> Response:
    caller.check()
    try:
        answer = await unless_gone(
            request,
            caller.upstream.send(
                request.method, path, request.url.query, request.headers.raw,
                await request.body(), caller.authorization,
            ),
        )  # fmt: skip
        try:
            return whole(answer, await unless_gone(request, caller.upstream.read(answer)), [])
        finally:
            await answer.aclose()
    except Gone:
        return Response(status_code=499)
