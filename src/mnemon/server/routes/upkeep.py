"""The memory as a whole: reflect, log, namespaces, status, size, fsck, reindex."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mnemon import __version__
from mnemon.server import bodies, compiling, cursors, queries
from mnemon.server.access import Granted, Service
from mnemon.server.background import ACCEPTED, InBackground
from mnemon.server.replies import Counted, Events, Namespace, Reply
from mnemon.server.settings import Settings
from mnemon.store.rows import Problem

router = APIRouter(prefix="/v1", tags=["upkeep"])


@dataclass(frozen=True, slots=True)
class Status:
    """Who the caller is here. `program` is how the server searches; `namespaces` is null for one
    who reaches everything; `role` is the word for `verbs`, if there is one; `rate` is the key's own
    and `namespace_rates` those of namespaces that all it does counts for."""

    mnemon: str
    actor: str
    program: str
    namespaces: tuple[str, ...] | None = None
    verbs: tuple[str, ...] | None = None
    role: str | None = None
    rate: str | None = None
    namespace_rates: Mapping[str, str] = field(default_factory=dict)


@router.get("/status", response_model=Status)
def status(request: Request, grant: Granted) -> Response:
    """The server's version and program, and what the caller may do."""
    service: Service = request.app.state.service
    key = grant.key
    told = Status(__version__, grant.memory.actor, service.settings.program)
    if key is not None:
        over = service.declared.over(*(key.namespaces or ()))
        told = replace(
            told, namespaces=key.namespaces, verbs=key.verbs, role=key.role, rate=key.rate,
            namespace_rates={one.namespace or "": one.rate.text for one in over},
        )  # fmt: skip
    return Reply(told)


@router.post("/reflect", response_model=Counted, responses=ACCEPTED)
async def reflect(
    body: Annotated[bodies.Body, Body(default_factory=bodies.Body)],
    grant: Granted,
    background: InBackground,
) -> Response:
    """Run the program's maintenance; how many of its proposals were carried out."""
    memory, scope = await run_in_threadpool(grant.on, "admin", body.namespace)

    def told(done: int) -> Counted:
        grant.act.touch((), done)
        return Counted(done)

    return await background.answer(memory, "reflect", told, namespace=scope)


@router.post("/compile", response_model=dict[str, int], responses=ACCEPTED)
async def compile_(
    body: bodies.Compile, request: Request, grant: Granted, background: InBackground
) -> Response:
    """Compile cubes to keys and values, or weights, as a job; how many were `compiled`, `fresh`
    already, and `skipped`."""
    settings: Settings = request.app.state.service.settings
    memory, scope = await run_in_threadpool(compiling.allowed, body, grant, settings)
    chosen: Any = body.selection
    if isinstance(chosen, bodies.Selected):
        chosen = chosen.model_dump(exclude_none=True)
    place = settings.compile_to if body.form == "kv" else None
    return await background.job(
        memory, "compile", dict, chosen, body.model, body.form, policy=body.policy,
        to=place, alias=body.alias, namespace=scope,
    )  # fmt: skip


@router.get("/log", response_model=Events)
def log(query: Annotated[queries.Log, Query()], grant: Granted) -> Response:
    """The journal, newest page first: what happened to which cube, never what it said."""
    memory, scope = grant.on("read", query.namespace)
    ask = partial(memory.log, namespace=scope, cube=query.cube, after=query.after)
    return Reply(cursors.events(ask, query.limit, query.cursor, query.before))


@router.get("/namespaces", response_model=list[Namespace])
def namespaces(grant: Granted) -> Response:
    """The namespaces that the caller reaches, and how many current cubes each has."""
    found = grant.open("read").namespaces()
    return Reply([Namespace(path, count) for path, count in found if grant.reaches(path)])


@router.get("/size", response_model=dict[str, int])
def size(grant: Granted) -> Response:
    """Counts and bytes of the whole store."""
    return Reply(grant.whole("admin").size())


@router.post("/fsck", response_model=list[Problem], responses=ACCEPTED)
async def fsck(
    body: Annotated[bodies.Fsck, Body(default_factory=bodies.Fsck)],
    grant: Granted,
    background: InBackground,
) -> Response:
    """Check every promise of the store; an empty list is a sound store."""
    return await background.answer(grant.whole("admin"), "fsck", list, repair=body.repair)


@router.post("/reindex", response_model=Counted, responses=ACCEPTED)
async def reindex(
    body: Annotated[bodies.Reindex, Body(default_factory=bodies.Reindex)],
    grant: Granted,
    background: InBackground,
) -> Response:
    """Move the store to another embedder; how many vectors were written."""
    memory = grant.whole("admin")
    return await background.answer(memory, "reindex", Counted, body.embedder, keep=body.keep)
