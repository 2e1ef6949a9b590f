"""Calls that may take long: answered when they are done, or with the address of a job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mnemon.job import Job
from mnemon.jobs.pauses import pauses
from mnemon.memory import Memory
from mnemon.server import failures, queries
from mnemon.server.access import Answers
from mnemon.server.replies import Reply
from mnemon.server.routes.remember import Key

ACCEPTED: Answers = {
    202: {
        "model": Job[Any],
        "description": "It goes on in the background; `Location` is the job's address.",
    }
}


@dataclass(frozen=True, slots=True)
class Background:
    """How one request wants to wait: None is as long as it takes, in the request itself."""

    request: Request
    wait: float | None
    key: str | None

    async def answer(
        self, memory: Memory, call: str, shape: Callable[[Any], Any], *args: Any, **given: Any
    ) -> Response:
        """The answer to a call of `Memory` that `Jobs` has too: what `shape` makes of its result,
        or the job if that does not come in time."""
        if self.wait is not None:
            return await self.job(memory, call, shape, *args, **given)
        result = await run_in_threadpool(getattr(memory, call), *args, **given)
        return Reply(shape(result))

    async def job(
        self, memory: Memory, call: str, shape: Callable[[Any], Any], *args: Any, **given: Any
    ) -> Response:
        """The same of what is always a job; who says nothing does not wait."""
        ask = getattr(memory.jobs, call)
        job: Job[Any] = await run_in_threadpool(ask, *args, key=self.key, **given)
        if self.wait:
            job = await finished(self.request, partial(memory.jobs.get, job.id), self.wait)
            if job.state == "done":
                return Reply(shape(job.result))
            if job.state == "dead" and job.error is not None:
                return failures.Problem(dict(job.error), job.error["status"])
        address = {"Location": f"/v1/jobs/{job.id}", "Retry-After": "1"}
        return Reply(job, 202, address)


async def finished(request: Request, look: Callable[[], Job[Any]], wait: float) -> Job[Any]:
    """A job once it is finished, after so many seconds at the latest. No thread waits meanwhile,
    and nobody waits for a caller who went away."""
    job = await run_in_threadpool(look)
    for pause in pauses(wait):
        if job.finished or await request.is_disconnected():
            break
        await asyncio.sleep(pause)
        job = await run_in_threadpool(look)
    return job


async def _asked(
    request: Request,
    query: Annotated[queries.Waiting, Query()],
    idempotency_key: Key = None,
) -> Background:
    return Background(request, query.wait, idempotency_key)


InBackground = Annotated[Background, Depends(_asked)]
