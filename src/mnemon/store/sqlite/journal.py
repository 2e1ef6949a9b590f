"""The journal: one row for what happened, in the transaction in which it happened."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from mnemon import namespace as paths
from mnemon.cube import Event
from mnemon.instant import from_micros
from mnemon.store.rows import Changes

_LAST = 2**63 - 1


def write(
    connection: sqlite3.Connection,
    at: int,
    verb: str,
    actor: str,
    *,
    namespace: int | None = None,
    cube: str | None = None,
    version: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append one event. `detail` holds counts and names, never content."""
    connection.execute(
        "INSERT INTO journal (at, verb, actor, namespace, cube, version, detail) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (at, verb, actor, namespace, cube, version, json.dumps(detail) if detail else None),
    )


def read(
    connection: sqlite3.Connection,
    scope: str,
    cube: str | None,
    after: int,
    limit: int,
    before: int | None = None,
) -> list[Event]:
    """The newest `limit` events between two sequence numbers, oldest of them first."""
    path, low, high = paths.bounds(scope)
    rows = connection.execute(
        "SELECT j.seq, j.at, j.verb, j.actor, n.path, j.cube, j.version, j.detail FROM journal j "
        "JOIN namespaces n ON n.num = j.namespace WHERE j.seq > ? "
        "AND (n.path = ? OR (n.path >= ? AND n.path < ?)) AND (?5 IS NULL OR j.cube = ?5) "
        "AND j.seq < ?7 ORDER BY j.seq DESC LIMIT ?6",
        (after, path, low, high, cube, limit, _LAST if before is None else before),
    ).fetchall()
    return [
        Event(seq, from_micros(at), verb, actor, where, id, version, json.loads(detail or "{}"))
        for seq, at, verb, actor, where, id, version, detail in reversed(rows)
    ]


def last(connection: sqlite3.Connection) -> int:
    """The newest sequence number; 0 when nothing ever happened."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'journal'").fetchone()
    return row[0] if row else 0


def stamp(connection: sqlite3.Connection, seq: int) -> str | None:
    """What tells this store at a moment from any other, and from itself in another history."""
    found = connection.execute(
        "SELECT s.value || ':' || j.seq || ':' || j.at FROM store s, journal j "
        "WHERE s.key = 'id' AND j.seq = ?",
        (seq,),
    ).fetchone()
    return found[0] if found else None


def changes(connection: sqlite3.Connection, scope: str, after: int) -> Changes:
    """What a cache of a scope that had seen `after` must do: end rows, or start over after a
    purge, wherever that was."""
    events = connection.execute(
        "SELECT j.verb, j.cube FROM journal j WHERE j.seq > ? "
        "AND j.verb IN ('update', 'restore', 'forget', 'purge', 'reindex') "
        "AND (j.verb IN ('purge', 'reindex') OR EXISTS (SELECT 1 FROM namespaces n "
        "WHERE n.num = j.namespace AND (n.path = ? OR (n.path >= ? AND n.path < ?))))",
        (after, *paths.bounds(scope)),
    ).fetchall()
    rebuild = any(verb in ("purge", "reindex") for verb, _ in events)
    retired: list[tuple[int, int | None]] = []
    for cube in {cube for _, cube in events if cube and not rebuild}:
        retired += connection.execute(
            "SELECT row, retired_at FROM versions WHERE cube = (SELECT num FROM cubes WHERE id = ?)"
            " AND retired_at IS NOT NULL",
            (cube,),
        ).fetchall()
    return Changes(last(connection), tuple(retired), rebuild)
