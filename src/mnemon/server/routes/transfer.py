"""Whole memories out and in, as streams."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from mnemon import portable
from mnemon.errors import InvalidInput
from mnemon.memory import Memory
from mnemon.portable import ImportReport
from mnemon.server import queries, spool
from mnemon.server.access import Grant, Granted, Service
from mnemon.server.background import ACCEPTED, Background
from mnemon.server.routes.remember import Key

router = APIRouter(prefix="/v1", tags=["transfer"])

_LINES = {"application/x-ndjson": {"schema": {"type": "string", "format": "binary"}}}
_RESERVED = {"path", "format", "namespace", "progress", "wait", "key"}
_FILE = {"content": {"application/octet-stream": {"schema": {"type": "string"}}}, "required": True}


@router.get(
    "/export", response_class=StreamingResponse,
    responses={200: {"content": _LINES, "description": "A portable file, one moment's state."}},
)  # fmt: skip
def export(query: Annotated[queries.Export, Query()], grant: Granted) -> Response:
    """The portable file of a namespace, or of the whole store for a key that reaches it.

    With `artifacts`, what is compiled goes along: small artifacts whole, others as recipes.
    """
    whole = query.namespace is None and (grant.key is None or grant.key.namespaces is None)
    if whole:
        lines = grant.whole("admin").dump(artifacts=query.artifacts)
    else:
        memory, scope = grant.on("admin", query.namespace)
        lines = memory.dump(namespace=scope, artifacts=query.artifacts)
    return _Lines(lines)


class _Lines(StreamingResponse):
    """Lines as they are read; a reader who goes away lets go of the moment that was being read,
    which a purge would otherwise wait for."""

    media_type = "application/x-ndjson"

    def __init__(self, lines: Generator[bytes]) -> None:
        super().__init__(lines)
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._lines.close()


@router.post(
    "/import", response_model=ImportReport, responses=ACCEPTED,
    openapi_extra={"requestBody": _FILE},
)  # fmt: skip
async def import_(
    request: Request,
    query: Annotated[queries.Import, Query()],
    grant: Granted,
    idempotency_key: Key = None,
) -> Response:
    """Read a history into a namespace, or a portable file into the namespaces it names.

    The body is the file. A portable file needs a key that reaches the whole store.
    """
    service: Service = request.app.state.service
    # Before anything is taken in.
    await run_in_threadpool(grant.on, "write", query.namespace)
    async with spool.received(request.stream(), service, query.name or "") as path:
        memory, scope = await run_in_threadpool(_allowed, grant, query, path)
        # What is imported here and now leaves threads for the rest; a job is done elsewhere.
        async with request.app.state.imports if query.wait is None else nullcontext():
            return await Background(request, query.wait, idempotency_key).answer(
                memory, "import_", partial(_told, grant), path, query.format,
                namespace=scope, **(query.options or {}),
            )  # fmt: skip


def _allowed(grant: Grant, query: queries.Import, path: Path) -> tuple[Memory, str]:
    memory, scope = grant.on("write", query.namespace)
    if query.format == "mnemon" or (query.format is None and portable.is_portable(path)):
        memory = grant.whole("write")
    options = query.options or {}
    reserved = sorted(_RESERVED & options.keys())
    if reserved:
        raise InvalidInput(f"{reserved[0]!r} is no option of an importer: {json.dumps(options)}")
    return memory, scope


def _told(grant: Grant, report: ImportReport) -> ImportReport:
    grant.act.touch((), report.added)
    return report
