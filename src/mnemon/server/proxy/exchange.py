"""The way of a chat: recall into it, pass it on, pass the answer back, store both sides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mnemon.errors import MnemonError
from mnemon.server.access import Service
from mnemon.server.logs import log
from mnemon.server.proxy import storing
from mnemon.server.proxy.caller import Caller
from mnemon.server.proxy.dialect import Dialect
from mnemon.server.proxy.places import put_into
from mnemon.server.proxy.recalling import Recalled, recalled
from mnemon.server.proxy.relay import Keep, Relay
from mnemon.server.proxy.turns import Answer, Conversation, mapping
from mnemon.server.proxy.upstream import Headers, returned

T = TypeVar("T")


class Gone(Exception):
    """The caller went away: there is nobody to answer."""


@dataclass(slots=True)
class Prepared:
    """A request as it goes on; what the answer's headers tell; where to store, None for nowhere."""

    body: bytes
    told: dict[str, str] = field(default_factory=dict)
    episode: storing.Episode | None = None


async def exchange(dialect: Dialect, request: Request, caller: Caller) -> Response:
    """The answer to a chat.

    Raises:
        MnemonError: recall failed, the caller may not, or the upstream gave no answer.
    """
    given = await request.body()
    budget = _budget(request, caller)
    ready = await run_in_threadpool(_prepared, dialect, given, caller, budget)

    async def keep(answer: Answer) -> None:
        assert ready.episode is not None
        ready.told |= await _stored(request, ready.episode, answer)
        if answer.id is not None:
            caller.sessions.keep(ready.episode.scope, answer.id, ready.episode.session)

    wanted = None if ready.episode is None else keep
    try:
        return await _answered(dialect, request, caller, ready, wanted)
    except Gone:
        return Response(status_code=499)


async def _answered(
    dialect: Dialect, request: Request, caller: Caller, ready: Prepared, keep: Keep | None
) -> Response:
    upstream = await unless_gone(
        request,
        caller.upstream.send(
            "POST", dialect.path, request.url.query, request.headers.raw, ready.body,
            caller.authorization,
        ),
    )  # fmt: skip
    if upstream.is_success and _streams(upstream):
        return Relay(upstream, dialect.listener(), keep, _headers(ready.told))
    try:
        body = await unless_gone(request, caller.upstream.read(upstream))
    finally:
        await upstream.aclose()
    answer = dialect.answer(_read(body)[1]) if upstream.is_success else None
    if keep is not None and answer is not None:
        await keep(answer)
    return whole(upstream, body, _headers(ready.told))


def _prepared(dialect: Dialect, given: bytes, caller: Caller, budget: int) -> Prepared:
    if caller.wishes.mnemon_memory == "off":
        caller.check()
        return Prepared(given, {"Mnemon-Memory": "off"})
    memory, scope, mode = caller.memory()
    ready = Prepared(given, {"Mnemon-Memory": mode, "Mnemon-Namespace": quote(scope)})
    text, body = _read(given)
    conversation = dialect.conversation(body)
    if mode != "write":
        found = _recalled(ready, caller, conversation, budget)
        _put(ready, dialect, text, found)
    if mode != "read":
        at, wishes = datetime.now(UTC), caller.wishes
        session = wishes.mnemon_session or caller.sessions.of(memory, scope, conversation, at)
        ready.told["Mnemon-Session"] = quote(session)
        ready.episode = storing.Episode(
            memory, scope, conversation, session, wishes.mnemon_speaker or "user", at
        )
    return ready


def _recalled(ready: Prepared, caller: Caller, conversation: Conversation, budget: int) -> Recalled:
    """What memory holds; nothing where it failed and the caller said that memory is optional."""
    memory, scope, _ = caller.memory()
    wishes = caller.wishes
    try:
        return recalled(memory, scope, conversation, budget, wishes.mnemon_min_score)
    except MnemonError as error:
        if wishes.mnemon_memory_optional == "no":
            raise
        ready.told["Mnemon-Recall"] = f"failed; {type(error).__name__}"
        return Recalled()


def _put(ready: Prepared, dialect: Dialect, text: str, found: Recalled) -> None:
    """Put memory after the last thing the user said: the whole request before it is as it came."""
    place = dialect.place(text) if found.text else None
    if place is None:
        found = Recalled()
    else:
        at, more = put_into(text, place, found.text, dialect.part)
        front = text[:at].encode()
        ready.body = front + more.encode() + text[at:].encode()
        ready.told["Mnemon-Prefix-Bytes"] = str(len(front))
    ready.told |= {"Mnemon-Tokens": str(found.tokens), "Mnemon-Cubes": str(found.cubes)}


async def _stored(request: Request, episode: storing.Episode, answer: Answer) -> dict[str, str]:
    """Store, and tell of it. An answer that was given is not withheld because it was not stored:
    the headers say so where they still can, the log always."""
    try:
        cubes = await run_in_threadpool(storing.store, episode, answer)
    except MnemonError as error:
        kind = type(error).__name__
        request.scope["mnemon.error"] = kind
        log.error(json.dumps({"level": "error", "event": "a chat was not stored", "error": kind}))
        return {"Mnemon-Stored": f"failed; {kind}"}
    return {"Mnemon-Stored": str(len(cubes))}


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """What the work gives, unless the caller goes away before: then it is stopped.

    Raises:
        Gone: he did.
    """
    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise Gone
        return doing.result()
    finally:
        for one in (doing, leaving):
            one.cancel()
        await asyncio.gather(doing, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def whole(upstream: Any, body: bytes, told: Headers) -> Response:
    """An answer that is there as a whole, as it came."""
    answer = Response(body, upstream.status_code)
    answer.raw_headers += [*returned(upstream), *told]
    return answer


def _budget(request: Request, caller: Caller) -> int:
    service: Service = request.app.state.service
    wished = caller.wishes.mnemon_budget
    return service.settings.recall_budget if wished is None else wished


def _headers(told: dict[str, str]) -> Headers:
    return [(name.lower().encode(), value.encode("ascii")) for name, value in told.items()]


def _streams(upstream: Any) -> bool:
    return str(upstream.headers.get("content-type", "")).startswith("text/event-stream")


def _read(body: bytes) -> tuple[str, Mapping[str, Any]]:
    """A body as text and as JSON; "" and empty for what is none, which upstream will say better."""
    try:
        text = body.decode()
        return text, mapping(json.loads(text))
    except (ValueError, RecursionError):
        return "", {}
