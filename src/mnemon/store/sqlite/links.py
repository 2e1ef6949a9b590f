"""Typed links between cubes."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Sequence
from typing import Any

from mnemon import namespace as paths
from mnemon.cube import Link
from mnemon.errors import InvalidInput, NotFound
from mnemon.instant import from_micros
from mnemon.store.sqlite import journal

_LINK = (
    "INSERT INTO links (src, type, dst, weight, metadata, recorded_at) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (src, type, dst) WHERE retired_at IS NULL "
    "DO UPDATE SET weight = excluded.weight, metadata = excluded.metadata"
)


def resolve(
    connection: sqlite3.Connection,
    num: int,
    wanted: Sequence[tuple[str, tuple[tuple[str, str], ...]]],
    now: int,
) -> None:
    """Write the links that drafts asked for by (type, key of the other cube).

    A cube known by its key may have been forgotten since: nothing is linked to or from it.

    Raises:
        NotFound: no cube of the namespace has that key.
    """
    for id, asked in wanted:
        for type, key in asked:
            other = connection.execute(
                "SELECT id FROM cubes WHERE namespace = ? AND key = ?", (num, key)
            ).fetchone()
            if other is None:
                raise NotFound(f"cannot link {type!r}: no cube of this namespace has key {key!r}")
            connection.execute(
                "INSERT INTO links (src, type, dst, recorded_at) SELECT s.cube, ?, d.cube, ? "
                "FROM versions s, versions d WHERE s.retired_at IS NULL AND d.retired_at IS NULL "
                "AND s.cube = (SELECT num FROM cubes WHERE id = ?) "
                "AND d.cube = (SELECT num FROM cubes WHERE id = ?) "
                "ON CONFLICT DO UPDATE SET weight = weight",
                (type, now, id, *other),
            )


def write(connection: sqlite3.Connection, scope: str, link: Link, actor: str, now: int) -> None:
    """Write a link, or set the weight and metadata of the one that is there.

    Raises:
        NotFound: either end is not a current cube of the scope.
        InvalidInput: a weight that is no number.
    """
    if not math.isfinite(link.weight):
        raise InvalidInput(f"the weight of a link is {link.weight}: it must be a finite number")
    src, num = _current(connection, scope, link.src)
    dst, _ = _current(connection, scope, link.dst)
    data = json.dumps(dict(link.metadata)) if link.metadata else None
    connection.execute(_LINK, (src, link.type, dst, link.weight, data, now))
    journal.write(
        connection, now, "link", actor, namespace=num, cube=link.src,
        detail={"type": link.type, "dst": link.dst},
    )  # fmt: skip


def remove(connection: sqlite3.Connection, scope: str, link: Link, actor: str, now: int) -> bool:
    """End a link; whether there was one."""
    src, num = _current(connection, scope, link.src)
    ended = connection.execute(
        "UPDATE links SET retired_at = ? WHERE src = ? AND type = ? AND retired_at IS NULL "
        "AND dst = (SELECT num FROM cubes WHERE id = ?)",
        (now, src, link.type, link.dst),
    ).rowcount
    if ended:
        journal.write(
            connection, now, "unlink", actor, namespace=num, cube=link.src,
            detail={"type": link.type, "dst": link.dst},
        )  # fmt: skip
    return bool(ended)


def retire_of(connection: sqlite3.Connection, cube: int, now: int) -> None:
    """End all links from and to a cube."""
    connection.execute(
        "UPDATE links SET retired_at = ? WHERE retired_at IS NULL AND (src = ? OR dst = ?)",
        (now, cube, cube),
    )


def read(connection: sqlite3.Connection, scope: str, id: str, as_of: int | None) -> list[Link]:
    """Links from and to a cube whose both ends lie in the scope."""
    path, low, high = paths.bounds(scope)
    inside = "IN (SELECT num FROM namespaces WHERE path = ?2 OR (path >= ?3 AND path < ?4))"
    moment = (
        "l.retired_at IS NULL"
        if as_of is None
        else "l.recorded_at <= ?5 AND (l.retired_at IS NULL OR l.retired_at > ?5)"
    )
    rows = connection.execute(
        "SELECT s.id, l.type, d.id, l.weight, l.metadata, l.recorded_at FROM links l "
        "JOIN cubes s ON s.num = l.src JOIN cubes d ON d.num = l.dst "
        f"WHERE (s.id = ?1 OR d.id = ?1) AND s.namespace {inside} AND d.namespace {inside} "
        f"AND {moment} ORDER BY l.num",
        (id, path, low, high, *([] if as_of is None else [as_of])),
    )
    return [_link(row) for row in rows]


def edges(
    connection: sqlite3.Connection, rows: Sequence[int], as_of: int | None
) -> list[tuple[int, int, float, str]]:
    """(row, row, weight, type) of links, and of derived versions and their sources, that touch
    some versions: between versions that are current, or were at a moment."""
    live = _living("l.recorded_at", "l.retired_at", as_of)
    ends = " AND ".join(_living(f"{v}.recorded_at", f"{v}.retired_at", as_of) for v in "sd")
    touched = "(SELECT value FROM json_each(:rows))"
    cubes = f"(SELECT cube FROM versions WHERE row IN {touched})"
    joined = (
        "SELECT s.row, d.row, l.weight, l.type FROM links l JOIN versions s ON s.cube = l.src "
        f"JOIN versions d ON d.cube = l.dst WHERE {live} AND {ends} AND"
    )
    derived = (
        "SELECT s.row, d.row, 1.0, 'source' FROM spans p JOIN versions s ON s.row = p.row "
        "JOIN cubes c ON c.id = p.cube JOIN versions d ON d.cube = c.num AND d.version = p.version "
        f"WHERE {ends} AND"
    )
    ids = f"(SELECT id FROM cubes WHERE num IN {cubes})"
    # Each half by its own index; UNION leaves out what both find.
    query = (
        f"{joined} l.src IN {cubes} UNION {joined} l.dst IN {cubes} "
        f"UNION {derived} p.row IN {touched} UNION {derived} p.cube IN {ids} ORDER BY 1, 2, 4"
    )
    given = {"rows": json.dumps(list(rows)), "at": as_of}
    found: list[tuple[int, int, float, str]] = connection.execute(query, given).fetchall()
    return found


def _living(since: str, until: str, as_of: int | None) -> str:
    if as_of is None:
        return f"{until} IS NULL"
    return f"{since} <= :at AND ({until} IS NULL OR {until} > :at)"


def _link(row: tuple[Any, ...]) -> Link:
    src, type, dst, weight, metadata, recorded_at = row
    return Link(src, type, dst, weight, json.loads(metadata or "{}"), from_micros(recorded_at))


def _current(connection: sqlite3.Connection, scope: str, id: str) -> tuple[int, int]:
    row = connection.execute(
        "SELECT c.num, c.namespace FROM cubes c JOIN versions v ON v.cube = c.num "
        "JOIN namespaces n ON n.num = c.namespace WHERE c.id = ? AND v.retired_at IS NULL "
        "AND (n.path = ? OR (n.path >= ? AND n.path < ?))",
        (id, *paths.bounds(scope)),
    ).fetchone()
    if row is None:
        raise NotFound(f"no current cube {id} in namespace {scope!r}")
    return row[0], row[1]
