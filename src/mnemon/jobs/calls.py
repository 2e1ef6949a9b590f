"""What a job can be: a call of `Memory` by its name, and what its result is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.errors import InvalidInput
from mnemon.job import Job
from mnemon.portable import ImportReport
from mnemon.store import Store, uploads
from mnemon.store.rows import Problem
from mnemon.wire.values import revive

if TYPE_CHECKING:
    from mnemon.memory import Memory

Progress = Callable[[int, int], None]
Work = Callable[["Memory", Store, Job[Any], Progress], Any]

_MOST_PLACES = 100
_UNTOLD = "a job's result keeps no content, and the reason quotes it: import the file to see it"


def _reflect(memory: Memory, store: Store, job: Job[Any], progress: Progress) -> int:
    return memory.reflect(namespace=job.namespace, progress=progress)


def _reindex(memory: Memory, store: Store, job: Job[Any], progress: Progress) -> int:
    told = job.options
    return memory.reindex(told["embedder"], keep=told["keep"], progress=progress)


def _fsck(memory: Memory, store: Store, job: Job[Any], progress: Progress) -> list[Problem]:
    return memory.fsck(repair=job.options["repair"])


def _import(memory: Memory, store: Store, job: Job[Any], progress: Progress) -> ImportReport:
    told = job.options
    path = store.upload(job.id, told["path"]) if told["upload"] else Path(told["path"])
    with uploads.named(path) if told["upload"] else nullcontext():
        report = memory.import_(
            path, told["format"], namespace=job.namespace, progress=progress, **told["options"]
        )
    places = [(place, _UNTOLD) for place, _ in report.malformed[:_MOST_PLACES]]
    rest = len(report.malformed) - len(places)
    return replace(report, malformed=places + ([("…", f"and {rest} more")] if rest else []))


def _compile(memory: Memory, store: Store, job: Job[Any], progress: Progress) -> dict[str, int]:
    told = job.options
    done = memory.compile(
        [*job.cubes] or told["selection"], told["model"], told["form"], policy=told["policy"],
        to=told["to"], alias=told["alias"], namespace=job.namespace, progress=progress,
    )  # fmt: skip
    return {"compiled": done.compiled, "fresh": done.fresh, "skipped": len(done.skipped)}


def _schedule(
    memory: Memory, store: Store, job: Job[Any], progress: Progress
) -> dict[str, int]:  # fmt: skip
    from mnemon.compiling.within import within
    from mnemon.schedule import plan

    told = job.options
    applied = plan(within(memory, job.namespace), **told).apply(progress)
    return {"done": len(applied.done), "left": len(applied.left)}


CALLS: dict[str, Work] = {
    "reflect": _reflect, "reindex": _reindex, "fsck": _fsck, "import": _import,
    "compile": _compile, "schedule": _schedule,
}  # fmt: skip

_RESULTS: dict[str, Any] = {"fsck": list[Problem], "import": ImportReport}


def check_calls(calls: Sequence[str]) -> None:
    """Raise InvalidInput for a call that makes no jobs."""
    unknown = [call for call in calls if call not in CALLS]
    if unknown:
        raise InvalidInput(f"{unknown[0]!r} makes no jobs: say one of {', '.join(CALLS)}")


def revived(job: Job[Any]) -> Job[Any]:
    """A job with its result as the value that the call returns."""
    return replace(job, result=revive(_RESULTS.get(job.call), job.result))
