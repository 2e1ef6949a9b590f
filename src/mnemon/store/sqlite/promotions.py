"""Where aliases of adapters point, and ever pointed: lines that are only added."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from mnemon import namespace as paths
from mnemon.errors import AliasMoved
from mnemon.instant import from_micros
from mnemon.store.rows import Promotion
from mnemon.store.sqlite import journal, writing

_SINCE = 6


def there(connection: sqlite3.Connection) -> bool:
    """Whether the layout knows of weights: one that is only read may be older."""
    layout: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return layout >= _SINCE


def known(
    connection: sqlite3.Connection, scope: str, alias: str | None, model: str | None
) -> list[Promotion]:
    """All lines of a scope's aliases, oldest first."""
    if not there(connection):
        return []
    rows = connection.execute(
        "SELECT path, alias, model, action, members, candidate, figures, why, actor, at, num "
        "FROM promotions WHERE (path = ?1 OR (path >= ?2 AND path < ?3)) "
        "AND (?4 IS NULL OR alias = ?4) AND (?5 IS NULL OR model = ?5) ORDER BY num",
        (*paths.bounds(scope), alias, model),
    )
    return [_line(*row) for row in rows]


def _line(
    path: str, alias: str, model: str, action: str, members: str, candidate: str, figures: str,
    why: str, actor: str, at: int, num: int,
) -> Promotion:  # fmt: skip
    return Promotion(
        path, alias, model, action, tuple(json.loads(members)), tuple(json.loads(candidate)),
        json.loads(figures), why, actor, from_micros(at), num,
    )  # fmt: skip


def write(connection: sqlite3.Connection, move: Promotion, expected: int, now: int) -> Promotion:
    """Add a line if the newest one of its alias is still `expected`.

    Raises:
        AliasMoved: it is another one.
    """
    (newest,) = connection.execute(
        "SELECT coalesce(max(num), 0) FROM promotions WHERE path = ? AND alias = ? AND model = ?",
        (move.namespace, move.alias, move.model),
    ).fetchone()
    if newest != expected:
        raise AliasMoved(move.alias, expected, newest)
    made = connection.execute(
        "INSERT INTO promotions (path, alias, model, action, members, candidate, figures, why, "
        "actor, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (move.namespace, move.alias, move.model, move.action, json.dumps(move.members),
         json.dumps(move.candidate), json.dumps(move.figures, sort_keys=True), move.why,
         move.actor, now),
    )  # fmt: skip
    journal.write(
        connection, now, move.action, move.actor,
        namespace=writing.namespace_number(connection, move.namespace),
        detail={"alias": move.alias, "model": move.model, "members": len(move.members)},
    )  # fmt: skip
    return replace(move, at=from_micros(now), num=int(made.lastrowid or 0))


def outcomes(
    connection: sqlite3.Connection, scope: str, keys: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """(helpful, unhelpful) judgements of artifacts of a scope by key."""
    if not there(connection):
        return {}
    rows = connection.execute(
        "SELECT a.key, a.helpful, a.unhelpful FROM artifacts a "
        "JOIN namespaces n ON n.num = a.namespace WHERE a.key IN (SELECT value FROM json_each(?)) "
        "AND (n.path = ? OR (n.path >= ? AND n.path < ?))",
        (json.dumps(list(keys)), *paths.bounds(scope)),
    )
    return {key: (helpful, unhelpful) for key, helpful, unhelpful in rows}
