"""Rows of compiled forms: published, read, deleted with what they were made from."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mnemon import namespace as paths
from mnemon.errors import StaleArtifact
from mnemon.store.rows import ArtifactRow
from mnemon.store.sqlite import freshness, journal, places, withheld, writing

_TOLD = 100
"""Keys that one line of the journal names."""


def write(connection: sqlite3.Connection, row: ArtifactRow, actor: str, now: int) -> None:
    """Publish an artifact if all its sources are still current; a known key takes the new payload.

    Raises:
        StaleArtifact: a source, or what it continues, changed while it was being made.
    """
    withheld.check(connection, row)
    num = writing.namespace_number(connection, row.namespace)
    cubes = [_current(connection, row.key, *source) for source in row.sources]
    if row.parent is not None and not freshness.fresh(connection, [row.parent]):
        raise StaleArtifact(row.key, freshness.stale_sources(connection, row.parent))
    made = connection.execute(
        "INSERT INTO artifacts (key, form, namespace, method, model, header, size, checksum, "
        "payload, blob, created_at, parent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (key) DO NOTHING",
        (row.key, row.form, num, row.method, row.model, row.header, row.size, row.checksum,
         row.payload, row.blob, now, row.parent),
    )  # fmt: skip
    if row.elsewhere:
        places.withdraw(connection, row.key)
    if made.rowcount == 0:  # the one that was there was damaged, or another process was faster
        _renew(connection, row, num, cubes)
        return
    connection.executemany(
        "INSERT INTO artifact_sources VALUES (?, ?, ?, ?)",
        [(made.lastrowid, i, cube, version) for i, (cube, version) in enumerate(cubes)],
    )
    journal.write(
        connection, now, "derive", actor, namespace=num,
        detail={"form": row.form, "key": row.key, "sources": len(cubes), "bytes": row.size},
    )  # fmt: skip


def _current(connection: sqlite3.Connection, key: str, id: str, version: int) -> tuple[int, int]:
    found = connection.execute(
        "SELECT c.num FROM cubes c JOIN versions v ON v.cube = c.num "
        "WHERE c.id = ? AND v.version = ? AND v.retired_at IS NULL",
        (id, version),
    ).fetchone()
    if found is None:
        raise StaleArtifact(key, (id,))
    return found[0], version


def _renew(
    connection: sqlite3.Connection, row: ArtifactRow, namespace: int, cubes: list[tuple[int, int]]
) -> None:
    connection.execute(
        "UPDATE artifacts SET header = ?, size = ?, checksum = ?, payload = ?, blob = ? "
        "WHERE key = ?",
        (row.header, row.size, row.checksum, row.payload, row.blob, row.key),
    )
    if not row.elsewhere:
        return  # its key covers its sources
    num, stale = connection.execute(
        f"SELECT a.num, {freshness.STALE} FROM artifacts a WHERE a.key = ?", (row.key,)
    ).fetchone()
    if stale:  # the same tokens said by others: what they were made from before is of no account
        connection.execute("DELETE FROM artifact_sources WHERE artifact = ?", (num,))
        connection.execute("UPDATE artifacts SET namespace = ? WHERE num = ?", (namespace, num))
    had = connection.execute(
        "SELECT cube, version FROM artifact_sources WHERE artifact = ?", (num,)
    ).fetchall()
    more = [source for source in dict.fromkeys(cubes) if source not in had]
    connection.executemany(
        "INSERT INTO artifact_sources VALUES (?, ?, ?, ?)",
        [(num, i, cube, version) for i, (cube, version) in enumerate(more, len(had))],
    )


def read(connection: sqlite3.Connection, scope: str, key: str) -> ArtifactRow | None:
    """An artifact by its key, if it lies in the scope."""
    found = _select(connection, scope, "AND a.key = ?", (key,))
    return found[0] if found else None


def listing(
    connection: sqlite3.Connection, scope: str, form: str | None, cube: str | None
) -> list[ArtifactRow]:
    """Artifacts of a scope, oldest first, by form or by a cube they were made from."""
    return _select(
        connection,
        scope,
        "AND (? IS NULL OR a.form = ?) AND (? IS NULL OR a.num IN (SELECT artifact "
        "FROM artifact_sources WHERE cube = (SELECT num FROM cubes WHERE id = ?)))",
        (form, form, cube, cube),
    )


def of_cubes(connection: sqlite3.Connection, ids: Sequence[str]) -> list[tuple[str, str | None]]:
    """(key, blob) of the artifacts that any of these cubes went into, in any version, and of all
    that continue one."""
    made = connection.execute(
        "SELECT DISTINCT a.key FROM artifacts a JOIN artifact_sources s "
        "ON s.artifact = a.num JOIN cubes c ON c.num = s.cube "
        "WHERE c.id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    ).fetchall()
    return with_continuing(connection, [key for (key,) in made])


def with_continuing(
    connection: sqlite3.Connection, keys: Sequence[str]
) -> list[tuple[str, str | None]]:
    """(key, blob) of some artifacts and of all that continue one."""
    if not keys:
        return []
    return connection.execute(
        "WITH RECURSIVE gone (key) AS (SELECT value FROM json_each(?) UNION SELECT a.key "
        "FROM gone JOIN artifacts a ON a.parent = gone.key) "
        "SELECT a.key, a.blob FROM gone JOIN artifacts a ON a.key = gone.key ORDER BY a.num",
        (json.dumps(list(keys)),),
    ).fetchall()


def forms(connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, int]:
    """How many of some artifacts there are of each form."""
    return dict(
        connection.execute(
            "SELECT form, count(*) FROM artifacts WHERE key IN (SELECT value FROM json_each(?)) "
            "GROUP BY form ORDER BY form",
            (json.dumps(list(keys)),),
        ).fetchall()
    )


def delete(connection: sqlite3.Connection, keys: Sequence[str]) -> None:
    """Drop artifacts, and note that their bytes are to go from all places."""
    if keys:
        places.expect(connection, keys)
        drop(connection, keys)


def delete_with(
    connection: sqlite3.Connection, keys: Sequence[str]
) -> list[tuple[str, str | None]]:
    """Drop artifacts and all that continue one; (key, blob) of what went."""
    gone = with_continuing(connection, keys)
    delete(connection, [key for key, _ in gone])
    return gone


def drop(connection: sqlite3.Connection, keys: Sequence[str]) -> None:
    """Drop artifacts with their source rows."""
    listed = json.dumps(list(keys))
    connection.execute(
        "DELETE FROM artifact_sources WHERE artifact IN (SELECT num FROM artifacts "
        "WHERE key IN (SELECT value FROM json_each(?)))",
        (listed,),
    )
    connection.execute(
        "DELETE FROM artifacts WHERE key IN (SELECT value FROM json_each(?))", (listed,)
    )


def _select(
    connection: sqlite3.Connection, scope: str, more: str, values: tuple[Any, ...]
) -> list[ArtifactRow]:
    parent = "a.parent" if freshness.has_parents(connection) else "NULL"
    rows = connection.execute(
        "SELECT a.num, a.key, a.form, n.path, a.method, a.model, a.header, a.size, a.checksum, "
        f"a.payload, a.blob, a.created_at, {parent} FROM artifacts a "
        "JOIN namespaces n ON n.num = a.namespace "
        f"WHERE (n.path = ? OR (n.path >= ? AND n.path < ?)) {more} ORDER BY a.num",
        (*paths.bounds(scope), *values),
    ).fetchall()
    fresh = freshness.fresh(connection, [key for _, key, *_ in rows])
    return [_row(connection, fresh, *row) for row in rows]


def _row(connection: sqlite3.Connection, fresh: set[str], num: int, *told: Any) -> ArtifactRow:
    *fields, parent = told
    named = dict(zip(ArtifactRow.__dataclass_fields__, fields, strict=False))
    return ArtifactRow(
        **named, sources=_sources(connection, num), fresh=named["key"] in fresh, parent=parent
    )


def _sources(connection: sqlite3.Connection, num: int) -> tuple[tuple[str, int], ...]:
    return tuple(
        connection.execute(
            "SELECT coalesce(c.id, '?'), s.version FROM artifact_sources s "
            "LEFT JOIN cubes c ON c.num = s.cube WHERE s.artifact = ? ORDER BY s.position",
            (num,),
        ).fetchall()
    )


def sweep(
    connection: sqlite3.Connection, scope: str, actor: str, now: int
) -> tuple[list[str], list[str]]:
    """Drop the stale artifacts of a scope and all that continue one; their keys, and the files to
    unlink."""
    dead = with_continuing(connection, freshness.stale(connection, scope))
    delete(connection, [key for key, _ in dead])
    if dead:
        num = writing.namespace_number(connection, scope)
        journal.write(connection, now, "sweep", actor, namespace=num, detail={"swept": len(dead)})
    return [key for key, _ in dead], [blob for _, blob in dead if blob]


def discard(
    connection: sqlite3.Connection, scope: str, keys: Sequence[str], actor: str, now: int
) -> tuple[list[str], list[str]]:
    """Drop artifacts of a scope by their keys and all that continue one; as `sweep`."""
    path, low, high = paths.bounds(scope)
    mine = connection.execute(
        "SELECT a.key FROM artifacts a JOIN namespaces n ON n.num = a.namespace "
        "WHERE a.key IN (SELECT value FROM json_each(?)) "
        "AND (n.path = ? OR (n.path >= ? AND n.path < ?))",
        (json.dumps(list(keys)), path, low, high),
    ).fetchall()
    dead = with_continuing(connection, [key for (key,) in mine])
    delete(connection, [key for key, _ in dead])
    if dead:
        num = writing.namespace_number(connection, scope)
        told = {"dropped": len(dead), "keys": [key[:16] for key, _ in dead[:_TOLD]]}
        journal.write(connection, now, "drop", actor, namespace=num, detail=told)
    return [key for key, _ in dead], [blob for _, blob in dead if blob]


def blob_names(connection: sqlite3.Connection) -> set[str]:
    """Files that artifacts point to."""
    rows = connection.execute("SELECT blob FROM artifacts WHERE blob IS NOT NULL")
    return {name for (name,) in rows}


def orphans(connection: sqlite3.Connection, folder: Path | None) -> set[str]:
    """Files of the blobs folder that no artifact names, left by a process that died between
    writing one and recording it."""
    if folder is None or not folder.is_dir():
        return set()
    return {file.name for file in folder.iterdir()} - blob_names(connection)


def unlink(folder: Path | None, names: Iterable[str]) -> None:
    """Delete files of the blobs folder; those that are gone are passed over."""
    for name in names:
        if folder is not None:
            (folder / name).unlink(missing_ok=True)
