"""Retention: which cubes outlived the rule of their namespace, and what must be kept regardless."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from mnemon import namespace as paths
from mnemon.errors import OnHold
from mnemon.instant import from_micros
from mnemon.store.rows import Hold, Rule

_HELD = (
    "SELECT c.id, h.what FROM cubes c JOIN namespaces n ON n.num = c.namespace JOIN holds h "
    "ON h.what = c.id OR h.what = n.path OR substr(n.path, 1, length(h.what) + 1) = h.what || '/' "
    "WHERE c.id IN (SELECT value FROM json_each(?)) ORDER BY c.id"
)
_WITHIN = "(n.path = ? OR (n.path >= ? AND n.path < ?))"


def rules(connection: sqlite3.Connection) -> list[Rule]:
    """All rules by path."""
    rows = connection.execute("SELECT path, seconds, purge FROM retention ORDER BY path")
    return [Rule(path, seconds, bool(purge)) for path, seconds, purge in rows]


def put(connection: sqlite3.Connection, rule: Rule) -> None:
    """Set a prefix's rule."""
    connection.execute(
        "INSERT OR REPLACE INTO retention VALUES (?, ?, ?)",
        (rule.namespace, rule.seconds, rule.purge),
    )


def remove(connection: sqlite3.Connection, path: str) -> bool:
    """Whether there was one."""
    return connection.execute("DELETE FROM retention WHERE path = ?", (path,)).rowcount > 0


def holds(connection: sqlite3.Connection) -> list[Hold]:
    """All holds, oldest first."""
    rows = connection.execute("SELECT what, since FROM holds ORDER BY since, what")
    return [Hold(what, from_micros(since)) for what, since in rows]


def hold(connection: sqlite3.Connection, what: str, now: int) -> None:
    """Keep a cube or a namespace prefix."""
    connection.execute("INSERT OR IGNORE INTO holds VALUES (?, ?)", (what, now))


def release(connection: sqlite3.Connection, what: str) -> bool:
    """Whether it was held."""
    return connection.execute("DELETE FROM holds WHERE what = ?", (what,)).rowcount > 0


def held(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, str]:
    """Those of some cubes that are held, and what holds each."""
    if connection.execute("SELECT 1 FROM holds LIMIT 1").fetchone() is None:
        return {}
    return dict(connection.execute(_HELD, (json.dumps(list(ids)),)).fetchall())


def check(connection: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Raise OnHold if one of some cubes is held."""
    for id, what in held(connection, ids).items():
        raise OnHold(id, what)


def outlived(connection: sqlite3.Connection, rule: Rule, before: int) -> list[str]:
    """Ids of the cubes under a rule whose newest version was recorded by `before`, the oldest
    first: current ones, or, for a rule that purges, forgotten ones too. What a longer prefix has a
    rule for is not under it."""
    nearer = [
        other.namespace
        for other in rules(connection)
        if other.namespace != rule.namespace and paths.contains(rule.namespace, other.namespace)
    ]
    excluded = "".join(f" AND NOT {_WITHIN}" for _ in nearer)
    values = [part for path in (rule.namespace, *nearer) for part in paths.bounds(path)]
    current = "" if rule.purge else " AND sum(v.retired_at IS NULL) > 0"
    rows = connection.execute(
        "SELECT c.id FROM versions v JOIN cubes c ON c.num = v.cube "
        f"JOIN namespaces n ON n.num = v.namespace WHERE {_WITHIN}{excluded} "
        f"GROUP BY c.num HAVING max(v.recorded_at) <= ?{current} ORDER BY c.num",
        (*values, before),
    )
    return [id for (id,) in rows]
