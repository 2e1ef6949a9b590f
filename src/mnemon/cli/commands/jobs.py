"""`mnemon jobs`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import exits, ids, layout, options, serial
from mnemon.cli.settings import Settings
from mnemon.errors import InvalidInput, NotFound
from mnemon.job import STATES
from mnemon.wire.plain import plain

if TYPE_CHECKING:
    from mnemon.job import Job
    from mnemon.memory import Memory

_WHOLE, _FEWEST = 36, 4


@click.group("jobs")
def command() -> None:
    """Background work: what waits, runs, is done, or failed.

    Jobs are made by programs and over HTTP. `mnemon serve` works them off, and so does `mnemon
    jobs run`.
    """


@command.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only those that are so.")
@click.option("--call", metavar="NAME", help="Only those of one call: reflect, import …")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@options.as_json
@options.place
def list_(settings: Settings, state: str | None, call: str | None, limit: int, json_: bool) -> None:
    """List jobs, the newest first.

    Of the whole store, or of --namespace and below.
    """
    with settings.existing() as memory:
        scope = settings.namespace
        found = memory.jobs.list(namespace=scope, state=state, call=call, limit=limit)
    if json_:
        serial.show(found)
        return
    heads = ("ID", "CALL", "STATE", "TRIED", "MADE", "NAMESPACE", "WHAT")
    layout.table(heads, [_row(job) for job in found])


@command.command("show")
@click.argument("id")
@options.as_json
@options.place
def show(settings: Settings, id: str, json_: bool) -> None:
    """Show all there is to know of a job."""
    with settings.existing() as memory:
        job = memory.jobs.get(_resolve(memory, id))
    if json_:
        serial.show(job)
        return
    for name, value in plain(job).items():
        if value not in (None, [], {}) and value is not False:
            told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            click.echo(f"{name:<13}{layout.line(told)}")


@command.command("retry")
@click.argument("id")
@options.place
def retry(settings: Settings, id: str) -> None:
    """Put a dead job back into the queue."""
    with settings.existing() as memory:
        job = memory.jobs.retry(_resolve(memory, id))
    click.echo(f"{ids.short(job.id)} {job.call} is {job.state}")


@command.command("cancel")
@click.argument("id")
@options.place
def cancel(settings: Settings, id: str) -> None:
    """Cancel a job; one that runs stops at the next step of its work."""
    with settings.existing() as memory:
        job = memory.jobs.cancel(_resolve(memory, id))
    told = "asked to stop" if job.cancelling else job.state
    click.echo(f"{ids.short(job.id)} {job.call} is {told}")


@command.command("run")
@options.program
@options.as_json
@options.place
def run(settings: Settings, json_: bool) -> None:
    """Work the queue off here, until nothing in it is due.

    Other processes may do so at the same time. Ctrl-C gives the job at hand back. The exit code
    is 1 when a job died.
    """
    with settings.existing() as memory:
        left = memory.jobs.run(None if json_ else _tell)
        later = len(memory.jobs.list(state="waiting", limit=-1))
    if json_:
        serial.show(left)
    if later:
        click.echo(f"{layout.counted(later, 'job')} waiting to be tried again later", err=True)
    if any(job.state == "dead" for job in left):
        raise click.exceptions.Exit(exits.NOTHING)


def _tell(job: Job[Any]) -> None:
    click.echo(f"{ids.short(job.id)} {job.call} {job.state}  {layout.line(_what(job))}".rstrip())


def _row(job: Job[Any]) -> tuple[str, ...]:
    state = "stopping" if job.cancelling else job.state
    made = layout.minute(job.created_at)
    tried, where = f"{job.attempts}/{job.max_attempts}", job.namespace or ""
    return ids.short(job.id), job.call, state, tried, made, where, _what(job)


def _what(job: Job[Any]) -> str:
    if job.error is not None and job.state in ("dead", "waiting"):
        return str(job.error["detail"])
    if job.state == "running" and job.progress is not None:
        return f"{job.progress[0]:,} of {job.progress[1]:,}"
    return "" if job.result is None else str(plain(job.result))


def _resolve(memory: Memory, typed: str) -> str:
    """The whole id for a whole id or the end of one."""
    if len(typed) == _WHOLE:
        return typed.lower()
    if len(typed) < _FEWEST:
        raise InvalidInput(f"{typed!r} is too short for an id: give its last 4 characters or more")
    found = [job.id for job in memory.jobs.list(limit=-1) if job.id.endswith(typed.lower())]
    if not found:
        raise NotFound(f"no job's id ends in {typed!r}: `mnemon jobs list` shows them")
    if len(found) > 1:
        raise InvalidInput(f"several ids end in {typed!r}: {', '.join(found)}")
    return found[0]
