"""A short way for the calls that programs make by the thousand: add, search and recall.

The framework's own way costs several times what such a call does. Here a body is checked by the
same model and answered by the same functions; whatever is not plainly in order goes the framework's
way, which knows how to tell what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemon import gathering
from mnemon.cube import MemCube
from mnemon.errors import MnemonError
from mnemon.server import access, bodies, failures, replies
from mnemon.server.gathered import Gathered
from mnemon.server.heads import Heads
from mnemon.server.limits import LARGE, given_again
from mnemon.server.routes import ask, remember
from mnemon.server.turns import Turns


@dataclass(frozen=True, slots=True)
class Call:
    """One of them; `path` is what the log shows."""

    path: str
    body: type[bodies.Body]
    answer: Callable[[Any, access.Grant], Response] | None = None


_SEARCHES_FAR = 2  # one computes while the other waits for a database; a file answers at once

_CALLS = {
    one.path: one
    for one in (
        Call("/v1/add", bodies.Add),
        Call("/v1/search", bodies.Search, ask.search),
        Call("/v1/recall", bodies.Recall, ask.recall),
    )
}


class Straight:
    """Answers those calls, and hands everything else on."""

    def __init__(self, app: ASGIApp, service: access.Service) -> None:
        self._app = app
        self._service = service
        self._adds: Gathered[gathering.Call, MemCube] = Gathered(
            lambda calls: gathering.add_each(service.memory, calls)
        )
        self._turns = Turns(_SEARCHES_FAR if service.home.far else 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = _CALLS.get(scope["path"]) if scope["type"] == "http" else None
        if call is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        message = await receive()
        body = _checked(call, Heads.of(scope), message)
        if body is None:
            await self._app(scope, given_again(message.get("body", b""), receive), send)
            return
        scope["route"] = call
        try:
            answer = await self._answer(call, body, scope)
        except MnemonError as error:
            scope["mnemon.error"] = type(error).__name__
            answer = failures.of(error)
        await answer(scope, receive, send)

    async def _answer(self, call: Call, body: Any, scope: Scope) -> Response:
        heads = Heads.of(scope)
        token, actor = access.token(heads.get(b"authorization")), heads.get(b"mnemon-actor")
        grant = await access.admitted(self._service, scope, token, actor)
        if call.answer is not None:
            async with self._turns.turn():
                return await run_in_threadpool(call.answer, body, grant)
        key = heads.get(b"idempotency-key")
        if isinstance(body.content, list) or body.content is None or _has_sources(body.content):
            return await run_in_threadpool(remember.add, body, grant, key)
        single = await self._service.asking(remember.single, body, grant, key)
        made = await self._adds.ask(single)
        grant.act.touch([made.id])
        return replies.cube(made)


def _checked(call: Call, heads: Heads, message: Message) -> bodies.Body | None:
    """The body; None for what must go the framework's way."""
    raw = message.get("body", b"")
    kind = (heads.get(b"content-type") or "").partition(";")[0].strip().lower()
    key = heads.get(b"idempotency-key")
    if kind != "application/json" or len(raw) > LARGE:
        return None
    if key is not None and not 1 <= len(key) <= remember.LONGEST_KEY:
        return None
    try:
        return call.body.model_validate_json(raw)
    except ValidationError:
        return None


def _has_sources(content: str | bodies.Item) -> bool:
    return isinstance(content, bodies.Item) and bool(content.spans)
