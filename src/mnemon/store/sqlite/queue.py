"""The queue: rows of the table `jobs`. One statement takes a job, so that nobody takes it twice."""

from __future__ import annotations

import builtins
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from mnemon import namespace as paths
from mnemon.errors import NotFound
from mnemon.identity import new_id
from mnemon.instant import from_micros, now_micros
from mnemon.job import Job
from mnemon.store.queue import LOST, Claim, NewJob
from mnemon.store.sqlite import writing

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

_FIELDS = (
    "id, call, namespace, actor, state, created_at, due_at, options, key, attempts, max_attempts, "
    "cancelling, progress, result, error, started_at, finished_at"
)
_CUBES = "(SELECT json_group_array(cube) FROM job_cubes WHERE job = num)"
_SELECT = f"SELECT {_FIELDS}, {_CUBES} FROM jobs"
_DUE = (
    "SELECT num FROM jobs j WHERE state IN ('waiting', 'running') AND due_at <= ?1 "
    "AND call IN (SELECT value FROM json_each(?2)) AND NOT EXISTS (SELECT 1 FROM jobs o "
    "WHERE o.state = 'running' AND o.due_at > ?1 AND o.call = j.call "
    "AND o.namespace IS j.namespace) ORDER BY due_at, num LIMIT 1"
)


class SQLiteQueue:
    """See `mnemon.store.queue.Queue` for what each method promises."""

    def __init__(
        self, write: Callable[[Operation[Any]], Any], read: Callable[[Operation[Any]], Any]
    ) -> None:
        self._write = write
        self._read = read

    def enqueue(self, new: NewJob) -> Job[Any]:
        found: Job[Any] = self._write(lambda c: _enqueue(c, new, now_micros()))
        return found

    def claim(self, calls: Sequence[str], lease: float) -> Claim | None:
        told = json.dumps(list(calls))
        if not self._read(lambda c: c.execute(_DUE, (now_micros(), told)).fetchall()):
            return None  # whoever only looks takes no turn at writing
        found: Claim | None = self._write(lambda c: _claim(c, told, _micros(lease)))
        return found

    def renew(
        self, claim: Claim, lease: float, progress: tuple[int, int] | None = None
    ) -> Job[Any] | None:
        told = None if progress is None else json.dumps(progress)
        change = "due_at = ?, progress = coalesce(?, progress)"

        def hold(connection: sqlite3.Connection) -> Job[Any] | None:
            until = now_micros() + _micros(lease)
            held = _change(connection, claim, change, until, told)
            return _get(connection, claim.job.id) if held else None

        found: Job[Any] | None = self._write(hold)
        return found

    def finish(self, claim: Claim, result: Any) -> bool:
        change = "state = 'done', token = NULL, cancelling = 0, result = ?, finished_at = ?"
        told = json.dumps(result)
        return bool(self._write(lambda c: _change(c, claim, change, told, now_micros())))

    def fail(self, claim: Claim, error: Mapping[str, Any], delay: float | None) -> bool:
        final = "dead" if delay is None else None
        wait = _micros(delay or 0.0)
        return bool(self._write(lambda c: _end(c, claim, final, error, wait)))

    def release(self, claim: Claim) -> bool:
        return bool(self._write(lambda c: _end(c, claim, None, None, 0, spent=False)))

    def cancel(self, id: str) -> Job[Any] | None:
        def stop(connection: sqlite3.Connection) -> Job[Any] | None:
            connection.execute(
                "UPDATE jobs SET cancelling = 1 WHERE id = ? AND token NOTNULL", [id]
            )
            connection.execute(
                "UPDATE jobs SET state = 'cancelled', finished_at = ? WHERE id = ? "
                "AND state IN ('waiting', 'dead')",
                (now_micros(), id),
            )
            return _get(connection, id)

        found: Job[Any] | None = self._write(stop)
        return found

    def retry(self, id: str) -> Job[Any] | None:
        def again(connection: sqlite3.Connection) -> Job[Any] | None:
            connection.execute(
                "UPDATE jobs SET state = 'waiting', attempts = 0, due_at = ?, error = NULL, "
                "progress = NULL, finished_at = NULL WHERE id = ? AND state = 'dead'",
                (now_micros(), id),
            )
            return _get(connection, id)

        found: Job[Any] | None = self._write(again)
        return found

    def get(self, id: str) -> Job[Any] | None:
        found: Job[Any] | None = self._read(lambda c: _get(c, id))
        return found

    def list(
        self,
        scope: str | None,
        *,
        calls: Sequence[str] | None = None,
        state: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> builtins.list[Job[Any]]:
        given = (None, None, None) if scope is None else paths.bounds(scope)
        told = None if calls is None else json.dumps(list(calls))
        query = (
            f"{_SELECT} WHERE (?1 IS NULL OR namespace = ?1 OR (namespace >= ?2 "
            "AND namespace < ?3)) AND (?4 IS NULL OR call IN (SELECT value FROM json_each(?4))) "
            "AND (?5 IS NULL OR state = ?5) AND (?6 IS NULL OR id < ?6) ORDER BY id DESC LIMIT ?7"
        )
        rows = self._read(
            lambda c: c.execute(query, (*given, told, state, before, limit)).fetchall()
        )
        return [_job(*row) for row in rows]

    def sweep(self, done: float, dead: float) -> builtins.list[str]:
        def old(connection: sqlite3.Connection) -> builtins.list[str]:
            now = now_micros()
            return delete(
                connection,
                "(state IN ('done', 'cancelled') AND finished_at <= ?) "
                "OR (state = 'dead' AND finished_at <= ?)",
                now - _micros(done),
                now - _micros(dead),
            )

        gone: builtins.list[str] = self._write(old)
        return gone


def delete(connection: sqlite3.Connection, which: str, *values: Any) -> list[str]:
    """Delete the jobs that a condition chooses, with the names of their cubes; their ids."""
    gone = connection.execute(f"SELECT num, id FROM jobs WHERE {which}", values).fetchall()
    for table, column in (("job_cubes", "job"), ("jobs", "num")):
        connection.executemany(
            f"DELETE FROM {table} WHERE {column} = ?", [(num,) for num, _ in gone]
        )
    return [id for _, id in gone]


def _enqueue(connection: sqlite3.Connection, new: NewJob, now: int) -> Job[Any]:
    known = connection.execute(
        f"{_SELECT} WHERE key = ? AND coalesce(namespace, '') = ?", (new.key, new.namespace or "")
    ).fetchone()
    if known is not None:
        return _job(*known)
    for cube in new.cubes:
        if writing.is_purged(connection, cube):
            raise NotFound(f"the cube {cube} was purged: leave it out")
    num = connection.execute(
        "INSERT INTO jobs (id, call, namespace, actor, key, options, state, max_attempts, due_at, "
        "created_at) VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?)",
        (new.id, new.call, new.namespace, new.actor, new.key, json.dumps(dict(new.options)),
         new.max_attempts, now, now),
    ).lastrowid  # fmt: skip
    connection.executemany(
        "INSERT OR IGNORE INTO job_cubes VALUES (?, ?)", [(num, cube) for cube in new.cubes]
    )
    found = _get(connection, new.id)
    assert found is not None
    return found


def _claim(connection: sqlite3.Connection, calls: str, lease: int) -> Claim | None:
    now, token = now_micros(), new_id()
    connection.execute(
        "UPDATE jobs SET state = CASE cancelling WHEN 1 THEN 'cancelled' ELSE 'dead' END, "
        "error = CASE cancelling WHEN 1 THEN NULL ELSE ?1 END, token = NULL, cancelling = 0, "
        "finished_at = ?2 WHERE state = 'running' AND due_at <= ?2 "
        "AND (cancelling = 1 OR attempts >= max_attempts)",
        (json.dumps(dict(LOST)), now),
    )
    row = connection.execute(
        f"UPDATE jobs SET state = 'running', token = ?3, attempts = attempts + 1, due_at = ?4, "
        f"started_at = coalesce(started_at, ?1), progress = NULL WHERE num = ({_DUE}) RETURNING id",
        (now, calls, token, now + lease),
    ).fetchone()
    found = None if row is None else _get(connection, row[0])
    return None if found is None else Claim(found, token)


def _end(
    connection: sqlite3.Connection,
    claim: Claim,
    final: str | None,
    error: Mapping[str, Any] | None,
    delay: int,
    spent: bool = True,
) -> bool:
    """Let go of a job: cancelled if that was asked; else `final`, or waiting."""
    now = now_micros()
    return _change(
        connection, claim,
        "state = CASE WHEN cancelling THEN 'cancelled' WHEN ?1 NOTNULL THEN ?1 "
        "WHEN ?2 AND attempts >= max_attempts THEN 'dead' ELSE 'waiting' END, "
        "finished_at = CASE WHEN cancelling OR ?1 NOTNULL OR (?2 AND attempts >= max_attempts) "
        "THEN ?3 END, attempts = attempts - (NOT ?2), error = coalesce(?4, error), due_at = ?5, "
        "token = NULL, cancelling = 0",
        final, spent, now, None if error is None else json.dumps(dict(error)), now + delay,
    )  # fmt: skip


def _change(connection: sqlite3.Connection, claim: Claim, change: str, *values: Any) -> bool:
    """Change a job if the claim still holds it."""
    return bool(
        connection.execute(
            f"UPDATE jobs SET {change} WHERE id = ? AND token = ?",
            (*values, claim.job.id, claim.token),
        ).rowcount
    )


def _get(connection: sqlite3.Connection, id: str) -> Job[Any] | None:
    row = connection.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone()
    return None if row is None else _job(*row)


def _job(*row: Any) -> Job[Any]:
    *told, cubes = row
    names = [name.strip() for name in _FIELDS.split(",")]
    fields = dict(zip(names, told, strict=True))
    for name in ("options", "progress", "result", "error"):
        fields[name] = None if fields[name] is None else json.loads(fields[name])
    for name in ("created_at", "due_at", "started_at", "finished_at"):
        fields[name] = None if fields[name] is None else from_micros(fields[name])
    done = fields["progress"]
    fields["progress"] = None if done is None else (done[0], done[1])
    fields["cancelling"] = bool(fields["cancelling"])
    return Job(**fields, cubes=tuple(sorted(json.loads(cubes))))


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)
