"""The queue: rows of the table `jobs`, for the workers of all replicas.

All times are the database's clock.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mnemon import namespace as paths
from mnemon.errors import NotFound
from mnemon.job import Job
from mnemon.store import uploads
from mnemon.store.postgres import claims, job_files, machine, numbers
from mnemon.store.postgres.clock import moment
from mnemon.store.postgres.connection import WHOLE, Connections
from mnemon.store.postgres.jobs import SELECT, delete, get, held, job_of
from mnemon.store.postgres.tenants import Tenants
from mnemon.store.queue import Claim, NewJob

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")


class PostgresQueue:
    """See `mnemon.store.queue.Queue` for what each method promises.

    A file that lies among the uploads goes into the database with its job. One that lies elsewhere
    stays there, and its job is claimed only where the file is: by who has the same `folder` of
    uploads as who enqueued it.
    """

    def __init__(
        self, connections: Connections, tenants: Tenants, folder: Callable[[], Path]
    ) -> None:
        self._connections = connections
        self._tenants = tenants
        self._folder = folder

    def enqueue(self, new: NewJob) -> Job[Any]:
        tenant = numbers.NOBODY if new.namespace is None else self._tenants.made(new.namespace)
        folder, path = self._folder(), new.options.get("path")
        if path is None or not new.options.get("upload"):
            place = None if path is None else machine.made(folder)
            return self._connections.write_apart(WHOLE, lambda c: _enqueue(c, tenant, new, place))
        file = uploads.place(folder, new.id, path)
        job = self._connections.write_apart(WHOLE, lambda c: _enqueue(c, tenant, new, None, file))
        uploads.drop(folder, [new.id])
        return job

    def claim(self, calls: Sequence[str], lease: float) -> Claim | None:
        asked = {"calls": list(calls), "machine": machine.known(self._folder())}
        if not self._connections.read(WHOLE, lambda c: claims.due(c, asked)):
            return None  # whoever only looks locks nothing
        return self._connections.write_apart(WHOLE, lambda c: claims.take(c, asked, _micros(lease)))

    def renew(
        self, claim: Claim, lease: float, progress: tuple[int, int] | None = None
    ) -> Job[Any] | None:
        told = None if progress is None else json.dumps(progress)

        def hold(connection: Connection[Any]) -> Job[Any] | None:
            until = moment(connection) + _micros(lease)
            change = "due_at = %(until)s, progress = coalesce(%(told)s::text, progress)"
            mine = held(connection, claim, change, until=until, told=told)
            return get(connection, claim.job.id) if mine else None

        return self._of(claim, hold)

    def finish(self, claim: Claim, result: Any) -> bool:
        change = (
            "state = 'done', token = NULL, cancelling = false, result = %(told)s, "
            "finished_at = %(now)s"
        )
        told = json.dumps(result)

        def end(connection: Connection[Any]) -> bool:
            done = held(connection, claim, change, told=told, now=moment(connection))
            job_files.drop(connection, claim.job.id)
            return done

        return self._of(claim, end)

    def fail(self, claim: Claim, error: Mapping[str, Any], delay: float | None) -> bool:
        final, wait = "dead" if delay is None else None, _micros(delay or 0.0)
        return self._of(claim, lambda c: _end(c, claim, final, error, wait))

    def release(self, claim: Claim) -> bool:
        return self._of(claim, lambda c: _end(c, claim, None, None, 0, spent=False))

    def _of(self, claim: Claim, work: Callable[[Connection[Any]], T]) -> T:
        namespace = claim.job.namespace
        tenant = numbers.NOBODY if namespace is None else self._tenants.of(namespace)
        return self._connections.write_apart(tenant, work)

    def cancel(self, id: str) -> Job[Any] | None:
        def stop(connection: Connection[Any]) -> Job[Any] | None:
            connection.execute(
                "UPDATE jobs SET cancelling = token IS NOT NULL, state = CASE WHEN state IN "
                "('waiting', 'dead') THEN 'cancelled' ELSE state END, finished_at = CASE "
                "WHEN state IN ('waiting', 'dead') THEN %s ELSE finished_at END WHERE id = %s",
                (moment(connection), id),
            )
            job_files.drop(connection, id)
            return get(connection, id)

        return self._connections.write_apart(WHOLE, stop)

    def retry(self, id: str) -> Job[Any] | None:
        def again(connection: Connection[Any]) -> Job[Any] | None:
            connection.execute(
                "UPDATE jobs SET state = 'waiting', attempts = 0, due_at = %s, error = NULL, "
                "progress = NULL, finished_at = NULL WHERE id = %s AND state = 'dead'",
                (moment(connection), id),
            )
            return get(connection, id)

        return self._connections.write_apart(WHOLE, again)

    def get(self, id: str) -> Job[Any] | None:
        return self._connections.read(WHOLE, lambda c: get(c, id))

    def list(
        self,
        scope: str | None,
        *,
        calls: Sequence[str] | None = None,
        state: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> builtins.list[Job[Any]]:
        which: builtins.list[str] = []
        given: builtins.list[Any] = []
        tenant: int | None = WHOLE
        if scope is not None:
            tenant = self._tenants.of(scope)
            which.append("tenant = %s AND (namespace = %s OR (namespace >= %s AND namespace < %s))")
            given += [tenant, *paths.bounds(scope)]
        for condition, value in (
            ("call = ANY(%s)", None if calls is None else [*calls]),
            ("state = %s", state),
            ("id < %s", before),
        ):
            if value is not None:
                which.append(condition)
                given.append(value)
        query = f"{SELECT} WHERE {' AND '.join(which) or 'true'} ORDER BY id DESC LIMIT %s"
        most = None if limit < 0 else limit
        rows = self._connections.read(tenant, lambda c: c.execute(query, (*given, most)).fetchall())
        return [job_of(*row) for row in rows]

    def sweep(self, done: float, dead: float) -> builtins.list[str]:
        def old(connection: Connection[Any]) -> builtins.list[str]:
            now = moment(connection)
            job_files.drop(connection)
            return delete(
                connection,
                "(state IN ('done', 'cancelled') AND finished_at <= %s) "
                "OR (state = 'dead' AND finished_at <= %s)",
                (now - _micros(done), now - _micros(dead)),
            )

        return self._connections.write_apart(WHOLE, old)


def _enqueue(
    connection: Connection[Any],
    tenant: int,
    new: NewJob,
    place: str | None,
    file: Path | None = None,
) -> Job[Any]:
    while True:
        known = connection.execute(
            f"{SELECT} WHERE tenant = %s AND key = %s AND coalesce(namespace, '') = %s",
            (tenant, new.key, new.namespace or ""),
        ).fetchone()
        if known is not None:
            return job_of(*known)
        _check_cubes(connection, new.cubes)
        now = moment(connection)
        made = connection.execute(
            "INSERT INTO jobs (tenant, id, call, namespace, actor, key, options, machine, state, "
            "max_attempts, due_at, created_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'waiting', %s, %s, %s) ON CONFLICT DO NOTHING",
            (tenant, new.id, new.call, new.namespace, new.actor, new.key,
             json.dumps(dict(new.options)), place, new.max_attempts,
             now, now),
        )  # fmt: skip
        if made.rowcount:  # else another replica was faster with the key
            break
    connection.execute(
        "INSERT INTO job_cubes (tenant, job, cube) SELECT DISTINCT %s, %s, unnest(%s::text[])",
        (tenant, new.id, list(new.cubes)),
    )
    if file is not None:
        job_files.keep(connection, tenant, new.id, file)
    found = get(connection, new.id)
    assert found is not None
    return found


def _check_cubes(connection: Connection[Any], cubes: Sequence[str]) -> None:
    # Locked to the commit: a purge of one waits, and then finds the job.
    rows = connection.execute(
        "SELECT id, purged_at FROM directory WHERE id = ANY(%s) ORDER BY id FOR SHARE",
        (list(cubes),),
    )
    for id, purged_at in rows.fetchall():
        if purged_at is not None:
            raise NotFound(f"the cube {id} was purged: leave it out")


def _end(
    connection: Connection[Any],
    claim: Claim,
    final: str | None,
    error: Mapping[str, Any] | None,
    delay: int,
    spent: bool = True,
) -> bool:
    """Let go of a job: cancelled if that was asked; else `final`, or waiting."""
    now = moment(connection)
    over = "(%(final)s::text IS NOT NULL OR (%(spent)s AND attempts >= max_attempts))"
    done = held(
        connection, claim,
        "state = CASE WHEN cancelling THEN 'cancelled' WHEN %(final)s::text IS NOT NULL "
        f"THEN %(final)s::text WHEN {over} THEN 'dead' ELSE 'waiting' END, "
        f"finished_at = CASE WHEN cancelling OR {over} THEN %(now)s::bigint END, "
        "attempts = attempts - CASE WHEN %(spent)s THEN 0 ELSE 1 END, "
        "error = coalesce(%(error)s::text, error), due_at = %(due)s, token = NULL, "
        "cancelling = false",
        final=final, spent=spent, now=now, due=now + delay,
        error=None if error is None else json.dumps(dict(error)),
    )  # fmt: skip
    job_files.drop(connection, claim.job.id)
    return done


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)
