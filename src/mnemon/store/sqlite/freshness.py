"""Freshness: a join over the sources of an artifact and of all that it continues."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from mnemon import namespace as paths
from mnemon.store import lineage

# A source is current iff its cube's unretired version is the one that was compiled.
_NOT_CURRENT = (
    "NOT EXISTS (SELECT 1 FROM versions v WHERE v.cube = s.cube AND v.version = s.version "
    "AND v.retired_at IS NULL)"
)
STALE = f"EXISTS (SELECT 1 FROM artifact_sources s WHERE s.artifact = a.num AND {_NOT_CURRENT})"
"""Whether an artifact's own sources (it is named `a`) are not all current."""
_WITHIN = "(n.path = ? OR (n.path >= ? AND n.path < ?))"
_LINE = (
    "WITH RECURSIVE line (num, key, parent) AS (SELECT num, key, parent FROM artifacts "
    "WHERE key IN (SELECT value FROM json_each(?)) UNION SELECT p.num, p.key, p.parent "
    "FROM line JOIN artifacts p ON p.key = line.parent) "
)
_PARENTS_SINCE = 5


def has_parents(connection: sqlite3.Connection) -> bool:
    """Whether the layout knows what an artifact continues: one that is only read may be older."""
    layout: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return layout >= _PARENTS_SINCE


def fresh(connection: sqlite3.Connection, keys: Sequence[str]) -> set[str]:
    """Those of some keys that are known, current, and continue only what is."""
    line = _LINE
    if not has_parents(connection):
        line = (
            "WITH line (num, key, parent) AS (SELECT num, key, NULL FROM artifacts "
            "WHERE key IN (SELECT value FROM json_each(?))) "
        )
    rows = connection.execute(
        f"{line}SELECT a.key, a.parent, NOT {STALE} FROM line a", (json.dumps(list(keys)),)
    )
    return lineage.fresh(rows).intersection(keys)


def fresh_within(connection: sqlite3.Connection, scope: str, keys: Sequence[str]) -> set[str]:
    """The same, of those that lie in a scope."""
    inside = connection.execute(
        "SELECT a.key FROM artifacts a JOIN namespaces n ON n.num = a.namespace "
        f"WHERE a.key IN (SELECT value FROM json_each(?)) AND {_WITHIN}",
        (json.dumps(list(keys)), *paths.bounds(scope)),
    )
    return fresh(connection, [key for (key,) in inside])


def stale(connection: sqlite3.Connection, scope: str) -> list[str]:
    """Keys of every stale artifact of a scope."""
    own = {
        key
        for (key,) in connection.execute(
            "SELECT a.key FROM artifacts a JOIN namespaces n ON n.num = a.namespace "
            f"WHERE {_WITHIN} AND {STALE}",
            paths.bounds(scope),
        )
    }
    continuing = {
        key
        for (key,) in connection.execute(
            "SELECT a.key FROM artifacts a JOIN namespaces n ON n.num = a.namespace "
            f"WHERE {_WITHIN} AND a.parent IS NOT NULL",
            paths.bounds(scope),
        )
    }
    return sorted(own | (continuing - fresh(connection, sorted(continuing))))


def stale_sources(connection: sqlite3.Connection, key: str) -> tuple[str, ...]:
    """Ids of the sources, of an artifact and of what it continues, that are no longer what it was
    made from."""
    rows = connection.execute(
        f"{_LINE}SELECT coalesce(c.id, '?') FROM line a JOIN artifact_sources s "
        "ON s.artifact = a.num LEFT JOIN cubes c ON c.num = s.cube "
        f"WHERE {_NOT_CURRENT} ORDER BY a.num, s.position",
        (json.dumps([key]),),
    )
    return tuple(dict.fromkeys(id for (id,) in rows))
