"""Real forgetting: rows, words, vectors, artifacts, and then the bytes themselves.

Rows go in one transaction; then the index is merged (dropping what it only marked as deleted), the
file is rewritten without its free space, and the write-ahead log is emptied.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mnemon import namespace as paths
from mnemon.store.rows import Purged
from mnemon.store.sqlite import artifacts, journal, queue, retention, words, writing

_PENDING = "purge_pending"


def delete(
    connection: sqlite3.Connection,
    ids: Sequence[str],
    actor: str,
    now: int,
    expected: int | None = None,
) -> Purged:
    """Delete cubes in all versions, with everything made from them.

    Cubes derived from a purged one (summaries, extracted facts) hold its content too and go with
    it, transitively. Runs in the writer's transaction.
    """
    writing.check_latest(connection, ids, expected)
    plan = counted(connection, ids)
    doomed = plan.ids
    retention.check(connection, doomed)
    nums = [
        num
        for (num,) in connection.execute(
            "SELECT num FROM cubes WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(doomed),),
        )
    ]
    for num, id in connection.execute(
        "SELECT namespace, id FROM cubes WHERE num IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(nums),),
    ).fetchall():
        journal.write(connection, now, "purge", actor, namespace=num, cube=id)
    made = artifacts.of_cubes(connection, doomed)
    artifacts.delete(connection, [key for key, _ in made])
    emptied = _paths(connection, json.dumps(nums))
    _delete_rows(connection, json.dumps(nums))
    jobs = _purge_jobs(connection, doomed, emptied)
    connection.executemany(
        "INSERT OR IGNORE INTO tombstones VALUES (?, ?)", [(id, now) for id in doomed]
    )
    connection.execute("INSERT OR REPLACE INTO store VALUES (?, ?)", (_PENDING, str(now)))
    return replace(plan, jobs=tuple(jobs))


def _paths(connection: sqlite3.Connection, nums: str) -> list[str]:
    rows = connection.execute(
        "SELECT DISTINCT n.path FROM cubes c JOIN namespaces n ON n.num = c.namespace "
        "WHERE c.num IN (SELECT value FROM json_each(?))",
        (nums,),
    )
    return [path for (path,) in rows]


def _purge_jobs(
    connection: sqlite3.Connection, ids: Sequence[str], emptied: Sequence[str]
) -> list[str]:
    """Delete the jobs that name purged cubes, and those in namespaces (or above) that the purge
    left empty; their ids."""
    above = {
        path.rsplit("/", n)[0] for path in emptied for n in range(path.count("/") + 1)
    }  # `a/b` and `a` of `a/b`
    empty = [path for path in above if not _inhabited(connection, path)]
    return queue.delete(
        connection,
        "num IN (SELECT job FROM job_cubes WHERE cube IN (SELECT value FROM json_each(?))) "
        "OR namespace IN (SELECT value FROM json_each(?))",
        json.dumps(list(ids)),
        json.dumps(empty),
    )


def _inhabited(connection: sqlite3.Connection, path: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM cubes c JOIN namespaces n ON n.num = c.namespace "
        "WHERE n.path = ? OR (n.path >= ? AND n.path < ?) LIMIT 1",
        paths.bounds(path),
    ).fetchone()
    return found is not None


def counted(connection: sqlite3.Connection, ids: Sequence[str]) -> Purged:
    """What `delete` would delete."""
    return _counts(connection, closure(connection, ids), "")


def ending(connection: sqlite3.Connection, ids: Sequence[str]) -> Purged:
    """What `writing.retire` would end."""
    return _counts(connection, writing.ending(connection, ids), " AND retired_at IS NULL")


def _counts(connection: sqlite3.Connection, ids: Sequence[str], only: str) -> Purged:
    chosen = "(SELECT num FROM cubes WHERE id IN (SELECT value FROM json_each(?1)))"
    versions, links = (
        connection.execute(query, (json.dumps(list(ids)),)).fetchone()[0]
        for query in (
            f"SELECT count(*) FROM versions WHERE cube IN {chosen}{only}",
            f"SELECT count(*) FROM links WHERE (src IN {chosen} OR dst IN {chosen}){only}",
        )
    )
    made = artifacts.of_cubes(connection, ids)
    files = tuple(blob for _, blob in made if blob)
    keys = tuple(key for key, _ in made)
    forms = {**_vectors(connection, ids), **artifacts.forms(connection, keys)}
    return Purged(tuple(ids), versions, links, len(made), files, keys=keys, forms=forms)


def _vectors(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, int]:
    (count,) = connection.execute(
        "SELECT count(*) FROM versions v JOIN cubes c ON c.num = v.cube CROSS JOIN spaces s "
        "JOIN vectors x ON x.namespace = v.namespace AND x.space = s.num AND x.row = v.row "
        "WHERE c.id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    ).fetchone()
    return {"vectors": count} if count else {}


def closure(connection: sqlite3.Connection, ids: Sequence[str]) -> list[str]:
    """The ids of existing cubes among `ids`, and of all cubes derived from them, sorted."""
    rows = connection.execute(
        "WITH RECURSIVE doomed (id) AS (SELECT c.id FROM cubes c "
        "WHERE c.id IN (SELECT value FROM json_each(?)) UNION SELECT c.id FROM doomed d "
        "JOIN spans s ON s.cube = d.id JOIN versions v ON v.row = s.row "
        "JOIN cubes c ON c.num = v.cube) SELECT id FROM doomed ORDER BY id",
        (json.dumps(list(ids)),),
    )
    return [id for (id,) in rows]


def _delete_rows(connection: sqlite3.Connection, nums: str) -> None:
    chosen = "(SELECT value FROM json_each(?))"
    versions = connection.execute(
        f"SELECT row, namespace, content FROM versions WHERE cube IN {chosen}", (nums,)
    ).fetchall()
    words.delete(connection, versions)
    rows = json.dumps([row for row, _, _ in versions])
    connection.executemany(
        "DELETE FROM vectors WHERE namespace = ? AND row = ? AND space = ?",
        [
            (namespace, row, space)
            for row, namespace, _ in versions
            for (space,) in connection.execute("SELECT num FROM spaces").fetchall()
        ],
    )
    connection.execute(f"DELETE FROM spans WHERE row IN {chosen}", (rows,))
    connection.execute(f"DELETE FROM links WHERE src IN {chosen}", (nums,))
    connection.execute(f"DELETE FROM links WHERE dst IN {chosen}", (nums,))
    connection.execute(f"DELETE FROM usage WHERE cube IN {chosen}", (nums,))
    connection.execute(f"DELETE FROM versions WHERE cube IN {chosen}", (nums,))
    connection.execute(f"DELETE FROM cubes WHERE num IN {chosen}", (nums,))
    connection.execute(
        "DELETE FROM speakers WHERE NOT EXISTS (SELECT 1 FROM versions v "
        "WHERE v.namespace = speakers.namespace AND v.speaker = speakers.speaker)"
    )
    # A path may name a person: it goes with the last cube in it.
    connection.execute(
        "DELETE FROM namespaces WHERE num NOT IN (SELECT namespace FROM cubes) "
        "AND num NOT IN (SELECT namespace FROM artifacts)"
    )


def pending(connection: sqlite3.Connection) -> bool:
    """Whether a purge has deleted rows whose bytes may still be in the file."""
    found = connection.execute("SELECT 1 FROM store WHERE key = ?", (_PENDING,)).fetchone()
    return found is not None


def drop(folder: Path | None) -> None:
    """Delete the index files. They hold what vectors and names were made of purged cubes."""
    for wait in (0.01, 0.05, 0.2, None):
        try:
            if folder is not None and folder.exists():
                shutil.rmtree(folder)
            return
        except OSError:
            if wait is None:
                raise
            time.sleep(wait)  # another process was writing into it


def erase(connection: sqlite3.Connection, patience: float) -> bool:
    """Rewrite the file so that no deleted byte is left; False if it could not be done now, because
    others kept the store busy or there is no room to rewrite it."""
    try:
        connection.execute("INSERT INTO words (words) VALUES ('optimize')")
        connection.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
            raise
        return False
    deadline = time.monotonic() + patience
    while not _truncate_log(connection):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    connection.execute("DELETE FROM store WHERE key = ?", (_PENDING,))
    return True


def _truncate_log(connection: sqlite3.Connection) -> bool:
    busy, log, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy and log <= 0
