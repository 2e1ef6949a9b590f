"""Reading cubes: filters to SQL, rows to MemCubes. Every statement names its namespace."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mnemon import namespace as paths
from mnemon.cube import MemCube, Span
from mnemon.instant import now_micros
from mnemon.store.cubes import cube_of
from mnemon.store.rows import Filter, Headers
from mnemon.store.sqlite.freshness import has_parents

_PART = 16_384
_COLUMNS = (
    "v.row, c.id, v.version, n.path, v.kind, v.content, v.valid_from, v.recorded_at, v.speaker, "
    "v.session, v.metadata, v.valid_to, v.retired_at, c.key, v.producer, v.source, v.confidence, "
    "v.readers, v.writers, v.retain_until, v.compile, "
    "u.reads, u.last_read, u.helpful, u.unhelpful, u.strength, "
    "EXISTS (SELECT 1 FROM spans s WHERE s.row = v.row)"
)
_TABLES = (
    "versions v JOIN cubes c ON c.num = v.cube JOIN namespaces n ON n.num = v.namespace "
    "LEFT JOIN usage u ON u.cube = v.cube"
)


def namespaces(connection: sqlite3.Connection, scope: str) -> list[int]:
    """Numbers of a namespace and of all below it, ascending."""
    rows = connection.execute(
        "SELECT num FROM namespaces WHERE path = ? OR (path >= ? AND path < ?) ORDER BY num",
        paths.bounds(scope),
    )
    return [num for (num,) in rows]


def select(
    connection: sqlite3.Connection, chosen: Filter, *, after: int = 0, limit: int = -1
) -> list[tuple[int, MemCube]]:
    """(row, cube) of the versions a filter chooses, in the order they were recorded."""
    where, values = _where(connection, chosen)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {where} AND v.row > ? ORDER BY v.row LIMIT ?",
        (*values, after, limit),
    ).fetchall()
    return _cubes(connection, rows)


def by_rows(connection: sqlite3.Connection, rows: Iterable[int]) -> dict[int, MemCube]:
    """The versions in given rows; a row that is gone is left out."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE v.row IN (SELECT value FROM json_each(?))",
        (json.dumps(list(rows)),),
    ).fetchall()
    return dict(_cubes(connection, found))


def contents(connection: sqlite3.Connection, rows: Sequence[int]) -> list[str]:
    """Contents of the versions in given rows, in that order; "" for a row that is gone."""
    found = connection.execute(
        "SELECT coalesce(v.content, '') FROM json_each(?) j "
        "LEFT JOIN versions v ON v.row = j.value",
        (json.dumps(list(rows)),),
    )
    return [content for (content,) in found]


def count(connection: sqlite3.Connection, chosen: Filter) -> int:
    """How many versions a filter chooses."""
    where, values = _where(connection, chosen)
    query = f"SELECT count(*) FROM versions v JOIN cubes c ON c.num = v.cube WHERE {where}"
    return int(connection.execute(query, values).fetchone()[0])


def history(connection: sqlite3.Connection, scope: str, id: str) -> list[MemCube]:
    """All versions of a cube, oldest first; empty if it is not in the scope."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE c.id = ? "
        "AND (n.path = ? OR (n.path >= ? AND n.path < ?)) ORDER BY v.version",
        (id, *paths.bounds(scope)),
    ).fetchall()
    return [cube for _, cube in _cubes(connection, rows)]


def find(connection: sqlite3.Connection, scope: str, ending: str) -> list[str]:
    """At most ten ids of a scope that end so; walks the scope's ids."""
    rows = connection.execute(
        "SELECT c.id FROM cubes c JOIN namespaces n ON n.num = c.namespace "
        "WHERE (n.path = ? OR (n.path >= ? AND n.path < ?)) AND substr(c.id, -length(?4)) = ?4 "
        "ORDER BY c.num LIMIT 10",
        (*paths.bounds(scope), ending),
    )
    return [id for (id,) in rows]


def headers(connection: sqlite3.Connection, nums: list[int], after: int) -> Headers:
    """What ranking needs of every version (of any time) in some namespaces, in row order."""
    columns = ", ".join(Headers.NAMES)
    rows: list[tuple[Any, ...]] = []
    for num in nums:
        rows += connection.execute(
            f"SELECT {columns} FROM versions WHERE namespace = ? AND row > ? ORDER BY row",
            (num, after),
        )
    return Headers(sorted(rows) if len(nums) > 1 else rows)


def scan(connection: sqlite3.Connection, nums: list[int], after: int) -> Iterator[Headers]:
    """The same as `headers` in parts; not in order where there are several namespaces."""
    columns = ", ".join(Headers.NAMES)
    for num in nums:
        cursor = connection.execute(
            f"SELECT {columns} FROM versions WHERE namespace = ? AND row > ? ORDER BY row",
            (num, after),
        )
        while part := cursor.fetchmany(_PART):
            yield Headers(part)


def _where(connection: sqlite3.Connection, chosen: Filter) -> tuple[str, list[Any]]:
    path, low, high = paths.bounds(chosen.namespace)
    parts = [
        "v.namespace IN (SELECT num FROM namespaces WHERE path = ? OR (path >= ? AND path < ?))"
    ]
    values: list[Any] = [path, low, high]

    def need(condition: str, *given: Any) -> None:
        parts.append(condition)
        values.extend(given)

    _moment(chosen, need)
    if chosen.ids is not None:
        need("c.id IN (SELECT value FROM json_each(?))", json.dumps(chosen.ids))
    if chosen.kinds is not None:
        need("v.kind IN (SELECT value FROM json_each(?))", json.dumps(chosen.kinds))
    if chosen.speaker is not None:
        need("v.speaker = ?", chosen.speaker)
    if chosen.session is not None:
        need("v.session = ?", chosen.session)
    if chosen.since is not None:
        need("v.valid_from >= ?", chosen.since)
    if chosen.until is not None:
        need("v.valid_from < ?", chosen.until)
    if chosen.retain_before is not None:
        need("v.retain_until <= ?", chosen.retain_before)
    if chosen.reader is not None:
        need("(v.readers IS NULL OR ? IN (SELECT value FROM json_each(v.readers)))", chosen.reader)
    for key, wanted in chosen.metadata.items():
        need(
            "EXISTS (SELECT 1 FROM json_each(v.metadata) m WHERE m.key = ? AND "
            "(m.value IS json_extract(?, '$') OR (m.type = 'array' AND EXISTS "
            "(SELECT 1 FROM json_each(m.value) x WHERE x.value IS json_extract(?, '$')))))",
            key, json.dumps(wanted), json.dumps(wanted),
        )  # fmt: skip
    return " AND ".join(parts), values


def _moment(chosen: Filter, need: Any) -> None:
    if chosen.as_of is not None:
        need(
            "v.recorded_at <= ? AND (v.retired_at IS NULL OR v.retired_at > ?)",
            chosen.as_of, chosen.as_of,
        )  # fmt: skip
    elif chosen.forgotten:
        need(
            "v.version = (SELECT max(version) FROM versions w WHERE w.cube = v.cube)",
        )
    else:
        need("v.retired_at IS NULL")
    if chosen.valid_at is not None:
        need(
            "v.valid_from <= ? AND (v.valid_to IS NULL OR v.valid_to > ?)",
            chosen.valid_at, chosen.valid_at,
        )  # fmt: skip
    elif not chosen.ended:
        moment = chosen.as_of if chosen.as_of is not None else now_micros()
        need("(v.valid_to IS NULL OR v.valid_to > ?)", moment)


def _cubes(
    connection: sqlite3.Connection, rows: list[tuple[Any, ...]]
) -> list[tuple[int, MemCube]]:
    derived = [row[0] for row in rows if row[-1]]
    spans = _spans(connection, derived) if derived else {}
    return [(row[0], cube_of(row, tuple(spans.get(row[0], ())))) for row in rows]


def _spans(connection: sqlite3.Connection, rows: list[int]) -> dict[int, list[Span]]:
    found: dict[int, list[Span]] = {}
    for row, cube, version, start, end in connection.execute(
        'SELECT row, cube, version, "start", "end" FROM spans '
        "WHERE row IN (SELECT value FROM json_each(?)) ORDER BY row, position",
        (json.dumps(rows),),
    ):
        found.setdefault(row, []).append(Span(cube, version, start, end))
    return found


def namespace_sizes(connection: sqlite3.Connection, scope: str | None) -> list[tuple[str, int]]:
    """(path, current cubes) of the namespaces of a scope, or of all, sorted by path."""
    path, low, high = paths.bounds(scope) if scope else (None, "", "\U0010ffff")
    return connection.execute(
        "SELECT n.path, (SELECT count(*) FROM versions v WHERE v.namespace = n.num "
        "AND v.retired_at IS NULL) FROM namespaces n "
        "WHERE n.path = ? OR (n.path >= ? AND n.path < ?) ORDER BY n.path",
        (path, low, high),
    ).fetchall()


def sizes(connection: sqlite3.Connection) -> dict[str, int]:
    """Counts of what the store holds, bytes of artifacts (in places too), reads that were counted,
    and blobs that wait to be removed from places."""
    queries = {
        "cubes": "SELECT count(*) FROM versions WHERE retired_at IS NULL",
        "versions": "SELECT count(*) FROM versions",
        "namespaces": "SELECT count(*) FROM namespaces",
        "links": "SELECT count(*) FROM links WHERE retired_at IS NULL",
        "artifacts": "SELECT count(*) FROM artifacts",
        "artifact_bytes": "SELECT coalesce(sum(size), 0) FROM artifacts",
        "journal": "SELECT coalesce(max(seq), 0) FROM journal",
        "reads": "SELECT coalesce(sum(reads), 0) FROM usage",
    }
    if has_parents(connection):
        queries["removals"] = "SELECT count(*) FROM removals"
    return {name: connection.execute(query).fetchone()[0] for name, query in queries.items()}


def speakers(connection: sqlite3.Connection, scope: str) -> list[str]:
    """Everyone who has spoken in a scope, sorted."""
    rows = connection.execute(
        "SELECT DISTINCT s.speaker FROM speakers s JOIN namespaces n ON n.num = s.namespace "
        "WHERE n.path = ? OR (n.path >= ? AND n.path < ?) ORDER BY s.speaker",
        paths.bounds(scope),
    )
    return [speaker for (speaker,) in rows]
