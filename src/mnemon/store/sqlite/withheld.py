"""Namespace prefixes whose cubes may not be compiled to weights."""

from __future__ import annotations

import json
import sqlite3

from mnemon import namespace as paths
from mnemon.errors import NotForWeights
from mnemon.instant import from_micros
from mnemon.store.rows import WEIGHTS, ArtifactRow, Withheld
from mnemon.store.sqlite import promotions

_WITHIN = "(n.path = ? OR (n.path >= ? AND n.path < ?))"
_REFUSED = (
    "SELECT c.id, w.path FROM cubes c JOIN namespaces n ON n.num = c.namespace "
    "JOIN versions v ON v.cube = c.num AND v.retired_at IS NULL LEFT JOIN withheld w "
    "ON n.path = w.path OR substr(n.path, 1, length(w.path) + 1) = w.path || '/' "
    "WHERE c.id IN (SELECT value FROM json_each(?)) AND (w.path IS NOT NULL OR NOT v.compile) "
    "ORDER BY c.id LIMIT 1"
)


def known(connection: sqlite3.Connection) -> list[Withheld]:
    """All of them by path."""
    if not promotions.there(connection):
        return []
    rows = connection.execute("SELECT path, since FROM withheld ORDER BY path")
    return [Withheld(path, from_micros(since)) for path, since in rows]


def put(connection: sqlite3.Connection, path: str, now: int) -> list[str]:
    """Withhold a prefix; keys of the weights that its cubes have gone into."""
    connection.execute("INSERT OR IGNORE INTO withheld VALUES (?, ?)", (path, now))
    rows = connection.execute(
        "SELECT DISTINCT a.key FROM artifacts a JOIN artifact_sources s ON s.artifact = a.num "
        "JOIN cubes c ON c.num = s.cube JOIN namespaces n ON n.num = c.namespace "
        f"WHERE a.form IN (SELECT value FROM json_each(?)) AND {_WITHIN}",
        (json.dumps(WEIGHTS), *paths.bounds(path)),
    )
    return [key for (key,) in rows]


def remove(connection: sqlite3.Connection, path: str) -> bool:
    """Whether it was withheld."""
    return connection.execute("DELETE FROM withheld WHERE path = ?", (path,)).rowcount > 0


def check(connection: sqlite3.Connection, row: ArtifactRow) -> None:
    """Raise NotForWeights if an artifact is weights and one of its sources is withheld."""
    if row.form not in WEIGHTS:
        return
    found = connection.execute(_REFUSED, (json.dumps([id for id, _ in row.sources]),)).fetchone()
    if found is not None:
        raise NotForWeights(*found)
