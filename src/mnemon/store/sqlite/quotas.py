"""Quotas: how much a namespace prefix may hold, checked in the transaction that writes.

One process or many, one writer holds the database at a time, and what is over is rolled back: a
quota is never overrun, not even for a moment.
"""

from __future__ import annotations

import sqlite3

from mnemon import namespace as paths
from mnemon.errors import QuotaExceeded
from mnemon.store.rows import Quota

_RATES_SINCE = 8  # the layout that has them: a store that is only read may be older
_HELD = (
    "SELECT coalesce(sum(h.cubes), 0), coalesce(sum(h.bytes), 0) FROM holdings h "
    "JOIN namespaces n ON n.num = h.namespace WHERE n.path = ? OR (n.path >= ? AND n.path < ?)"
)


def check(connection: sqlite3.Connection, num: int) -> None:
    """Raise QuotaExceeded when a namespace, or one above it, holds more than it may."""
    limits = connection.execute(
        "SELECT q.path, q.cubes, q.bytes FROM quotas q, namespaces n WHERE n.num = ? "
        "AND (n.path = q.path OR substr(n.path, 1, length(q.path) + 1) = q.path || '/')",
        (num,),
    ).fetchall()
    for path, cubes, size in limits:
        held = connection.execute(_HELD, paths.bounds(path)).fetchone()
        for of, most, now in (("cubes", cubes, held[0]), ("bytes", size, held[1])):
            if most is not None and now > most:
                raise QuotaExceeded(path, of, most)


def known(connection: sqlite3.Connection) -> list[Quota]:
    """All quotas by path, with what each prefix holds now."""
    rate = "rate" if _has_rates(connection) else "NULL"
    rows = connection.execute(f"SELECT path, cubes, bytes, {rate} FROM quotas ORDER BY path")
    found = []
    for path, cubes, size, rate in rows.fetchall():
        now = connection.execute(_HELD, paths.bounds(path)).fetchone()
        found.append(Quota(path, cubes, size, now[0], now[1], rate))
    return found


def rates(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """(path, rate) of those that have one."""
    if not _has_rates(connection):
        return []
    return connection.execute(
        "SELECT path, rate FROM quotas WHERE rate IS NOT NULL ORDER BY path"
    ).fetchall()


def _has_rates(connection: sqlite3.Connection) -> bool:
    layout: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return layout >= _RATES_SINCE


def put(
    connection: sqlite3.Connection, path: str, cubes: int | None, size: int | None, rate: str | None
) -> None:
    """Set a prefix's quota; what is over it already stays, and nothing can be added."""
    connection.execute(
        "INSERT OR REPLACE INTO quotas (path, cubes, bytes, rate) VALUES (?, ?, ?, ?)",
        (path, cubes, size, rate),
    )


def remove(connection: sqlite3.Connection, path: str) -> bool:
    """Whether there was one."""
    return connection.execute("DELETE FROM quotas WHERE path = ?", (path,)).rowcount > 0


def recount(connection: sqlite3.Connection) -> None:
    """Make the counters anew, for `fsck(repair=True)`."""
    connection.execute("DELETE FROM holdings")
    connection.execute(f"INSERT INTO holdings {COUNTED}")


COUNTED = (
    "SELECT namespace, count(*) FILTER (WHERE retired_at IS NULL), "
    "sum(length(CAST(content AS BLOB)) + coalesce(length(CAST(metadata AS BLOB)), 0)) "
    "FROM versions GROUP BY namespace"
)
