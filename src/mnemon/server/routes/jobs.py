"""Background work: look at jobs, wait for one, cancel, try again.

A key sees the jobs in its namespaces that it could have made itself; any other is not there.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from mnemon.job import Job
from mnemon.jobs.asking import missing
from mnemon.jobs.calls import check_calls
from mnemon.server import cursors, queries
from mnemon.server.access import Grant, Granted
from mnemon.server.background import finished
from mnemon.server.replies import Jobs, Reply

router = APIRouter(prefix="/v1", tags=["jobs"])

VERBS = {"reflect": "admin", "reindex": "admin", "fsck": "admin", "import": "write",
         "compile": "admin", "schedule": "admin"}  # fmt: skip
"""The verb that a call needs, and so whoever is to see its jobs."""


@router.get("/jobs", response_model=Jobs)
def list_(query: Annotated[queries.Jobs, Query()], grant: Granted) -> Response:
    """Jobs, the newest first, a page at a time."""
    check_calls(query.call or ())
    ask = partial(_listed, grant, query)
    return Reply(cursors.jobs(ask, query.limit, query.cursor, query.before))


@router.get("/jobs/{id}", response_model=Job[Any])
async def get(
    id: str, query: Annotated[queries.JobGet, Query()], grant: Granted, request: Request
) -> Response:
    """A job, as soon as it is finished and after `wait` seconds at the latest."""
    look = partial(_seen, grant, id)
    return Reply(await finished(request, look, query.wait))


@router.delete("/jobs/{id}", response_model=Job[Any])
def cancel(id: str, grant: Granted) -> Response:
    """Cancel a job: at once if it waits, at the next step of its work if it runs."""
    _seen(grant, id)
    return Reply(grant.memory.jobs.cancel(id))


@router.post("/jobs/{id}/retry", response_model=Job[Any])
def retry(id: str, grant: Granted) -> Response:
    """Put a dead job back into the queue, with all its attempts before it."""
    _seen(grant, id)
    return Reply(grant.memory.jobs.retry(id))


def _seen(grant: Grant, id: str) -> Job[Any]:
    """A job that the caller may see; to all others it does not exist."""
    job = grant.memory.jobs.get(id)
    key = grant.key
    if key is not None:
        within = key.namespaces is None if job.namespace is None else grant.reaches(job.namespace)
        if not within or VERBS.get(job.call) not in key.verbs:
            raise missing(id)
    return job


def _listed(grant: Grant, query: queries.Jobs, **page: Any) -> list[Job[Any]]:
    calls = [
        call
        for call, verb in VERBS.items()
        if call in (query.call or VERBS) and (grant.key is None or verb in grant.key.verbs)
    ]
    ask = partial(grant.memory.jobs.list, state=query.state, call=calls, **page)
    parts = [ask(namespace=scope) for scope in _scopes(grant, query.namespace)]
    newest = heapq.merge(*parts, key=lambda job: job.id, reverse=True)
    apart = {job.id: job for job in newest}  # a key's namespaces may lie in each other
    return list(islice(apart.values(), page["limit"]))


def _scopes(grant: Grant, namespace: str | None) -> Sequence[str | None]:
    if namespace is not None:
        verb = "read" if grant.key is None else grant.key.verbs[0]  # any will do: calls decide
        return [grant.on(verb, namespace)[1]]
    return [None] if grant.key is None or grant.key.namespaces is None else grant.key.namespaces
