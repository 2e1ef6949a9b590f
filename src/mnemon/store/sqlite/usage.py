"""Usage counters: reads and feedback. They never decide what is true."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from mnemon import namespace as paths
from mnemon.errors import NotFound


def read(connection: sqlite3.Connection, reads: Mapping[str, int], now: int) -> None:
    """Count reads of cubes by id; ids that are gone meanwhile are passed over."""
    connection.executemany(
        "INSERT INTO usage (cube, reads, last_read) SELECT num, ?, ? FROM cubes WHERE id = ? "
        "ON CONFLICT (cube) DO UPDATE SET reads = reads + excluded.reads, "
        "last_read = excluded.last_read",
        [(times, now, id) for id, times in reads.items()],
    )


def judge(connection: sqlite3.Connection, scope: str, id: str, helpful: bool) -> None:
    """Count one judgement of a cube, or of an artifact by its key.

    Raises:
        NotFound: no such cube or artifact in the scope.
    """
    column = "helpful" if helpful else "unhelpful"
    done = connection.execute(
        f"INSERT INTO usage (cube, {column}) SELECT c.num, 1 FROM cubes c "
        "JOIN namespaces n ON n.num = c.namespace WHERE c.id = ? "
        "AND (n.path = ? OR (n.path >= ? AND n.path < ?)) "
        f"ON CONFLICT (cube) DO UPDATE SET {column} = {column} + 1",
        (id, *paths.bounds(scope)),
    )
    if done.rowcount == 0:
        done = connection.execute(
            f"UPDATE artifacts SET {column} = {column} + 1 WHERE key = ? AND namespace IN "
            "(SELECT num FROM namespaces WHERE path = ? OR (path >= ? AND path < ?))",
            (id, *paths.bounds(scope)),
        )
    if done.rowcount == 0:
        raise NotFound(f"no cube {id} in namespace {scope!r}")


def of(connection: sqlite3.Connection, rows: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """(reads, microseconds of the last read or 0, helpful, unhelpful) of cubes by a row."""
    found = {
        row: tuple(counts)
        for row, *counts in connection.execute(
            "SELECT v.row, u.reads, coalesce(u.last_read, 0), u.helpful, u.unhelpful "
            "FROM versions v JOIN usage u ON u.cube = v.cube "
            "WHERE v.row IN (SELECT value FROM json_each(?))",
            (json.dumps(list(rows)),),
        )
    }
    return [found.get(row, (0, 0, 0, 0)) for row in rows]
