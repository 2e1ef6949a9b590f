"""Rows of jobs: found, changed by who holds them, deleted alone or with what they name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.instant import from_micros
from mnemon.job import Job
from mnemon.store.queue import Claim

if TYPE_CHECKING:
    from psycopg import Connection

_FIELDS = (
    "id", "call", "namespace", "actor", "state", "created_at", "due_at", "options", "key",
    "attempts", "max_attempts", "cancelling", "progress", "result", "error", "started_at",
    "finished_at",
)  # fmt: skip
SELECT = (
    f"SELECT {', '.join(_FIELDS)}, ARRAY(SELECT cube FROM job_cubes c "
    "WHERE c.tenant = jobs.tenant AND c.job = jobs.id ORDER BY cube) FROM jobs"
)


def get(connection: Connection[Any], id: str) -> Job[Any] | None:
    """One by id."""
    row = connection.execute(f"{SELECT} WHERE id = %s", (id,)).fetchone()
    return None if row is None else job_of(*row)


def held(connection: Connection[Any], claim: Claim, change: str, **values: Any) -> bool:
    """Change a job if the claim still holds it; whether it does."""
    done = connection.execute(
        f"UPDATE jobs SET {change} WHERE id = %(id)s AND token = %(token)s",
        {**values, "id": claim.job.id, "token": claim.token},
    )
    return done.rowcount > 0


def delete(connection: Connection[Any], which: str, values: Sequence[Any]) -> list[str]:
    """Delete the jobs that a condition chooses, with the names of their cubes; their ids."""
    rows = connection.execute(
        f"SELECT tenant, id FROM jobs WHERE {which} ORDER BY tenant, id FOR UPDATE", values
    ).fetchall()
    for table, column in (("job_cubes", "job"), ("job_files", "job"), ("jobs", "id")):
        connection.cursor().executemany(
            f"DELETE FROM {table} WHERE tenant = %s AND {column} = %s", rows
        )
    return [id for _, id in rows]


def delete_of(
    connection: Connection[Any], tenant: int, cubes: Sequence[str], emptied: Sequence[str]
) -> list[str]:
    """Delete the jobs that name purged cubes, and those in namespaces (or above) that a purge left
    empty; their ids."""
    above = {
        path.rsplit("/", n)[0] for path in emptied for n in range(path.count("/") + 1)
    }  # `a/b` and `a` of `a/b`
    empty = [path for path in sorted(above) if not _inhabited(connection, tenant, path)]
    connection.execute("SET LOCAL mnemon.whole = 'on'")  # a job of the whole store may name them
    gone = delete(
        connection,
        "(tenant, id) IN (SELECT tenant, job FROM job_cubes WHERE cube = ANY(%s)) "
        "OR (tenant = %s AND namespace = ANY(%s))",
        (list(cubes), tenant, empty),
    )
    connection.execute("SET LOCAL mnemon.whole = 'off'")
    return gone


def _inhabited(connection: Connection[Any], tenant: int, path: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM cubes c JOIN namespaces n ON n.tenant = c.tenant AND n.num = c.namespace "
        "WHERE n.tenant = %s AND (n.path = %s OR (n.path >= %s AND n.path < %s)) LIMIT 1",
        (tenant, *paths.bounds(path)),
    ).fetchone()
    return found is not None


def job_of(*row: Any) -> Job[Any]:
    """A job from a row of SELECT."""
    *told, cubes = row
    fields = dict(zip(_FIELDS, told, strict=True))
    for name in ("options", "progress", "result", "error"):
        fields[name] = None if fields[name] is None else json.loads(fields[name])
    for name in ("created_at", "due_at", "started_at", "finished_at"):
        fields[name] = None if fields[name] is None else from_micros(fields[name])
    done = fields["progress"]
    fields["progress"] = None if done is None else (done[0], done[1])
    return Job(**fields, cubes=tuple(cubes))
