"""Rows of compiled forms. Freshness is a join over their sources, computed when asked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mnemon import namespace as paths
from mnemon.errors import StaleArtifact
from mnemon.store.rows import ArtifactRow
from mnemon.store.sqlite import journal, writing

# A source is current iff its cube's unretired version is the one that was compiled.
_STALE_SOURCES = (
    "SELECT s.cube, s.version FROM artifact_sources s WHERE s.artifact = ? AND NOT EXISTS "
    "(SELECT 1 FROM versions v WHERE v.cube = s.cube AND v.version = s.version "
    "AND v.retired_at IS NULL)"
)
_STALE = (
    "EXISTS (SELECT 1 FROM artifact_sources s WHERE s.artifact = a.num AND NOT EXISTS "
    "(SELECT 1 FROM versions v WHERE v.cube = s.cube AND v.version = s.version "
    "AND v.retired_at IS NULL))"
)


def write(connection: sqlite3.Connection, row: ArtifactRow, actor: str, now: int) -> None:
    """Publish an artifact if all its sources are still current; a known key takes the new payload.

    Raises:
        StaleArtifact: a source changed while the artifact was being made.
    """
    num = writing.namespace_number(connection, row.namespace)
    cubes = []
    for id, version in row.sources:
        found = connection.execute(
            "SELECT c.num FROM cubes c JOIN versions v ON v.cube = c.num "
            "WHERE c.id = ? AND v.version = ? AND v.retired_at IS NULL",
            (id, version),
        ).fetchone()
        if found is None:
            raise StaleArtifact(row.key, (id,))
        cubes.append((found[0], version))
    made = connection.execute(
        "INSERT INTO artifacts (key, form, namespace, method, model, header, size, checksum, "
        "payload, blob, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (key) DO NOTHING",
        (row.key, row.form, num, row.method, row.model, row.header, row.size, row.checksum,
         row.payload, row.blob, now),
    )  # fmt: skip
    if made.rowcount == 0:  # the one that was there was damaged, or another process was faster
        connection.execute(
            "UPDATE artifacts SET header = ?, size = ?, checksum = ?, payload = ?, blob = ? "
            "WHERE key = ?",
            (row.header, row.size, row.checksum, row.payload, row.blob, row.key),
        )
        return
    connection.executemany(
        "INSERT INTO artifact_sources VALUES (?, ?, ?, ?)",
        [(made.lastrowid, i, cube, version) for i, (cube, version) in enumerate(cubes)],
    )
    journal.write(
        connection, now, "derive", actor, namespace=num,
        detail={"form": row.form, "key": row.key, "sources": len(cubes), "bytes": row.size},
    )  # fmt: skip


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


def stale_sources(connection: sqlite3.Connection, key: str) -> tuple[str, ...]:
    """Ids of the sources that are no longer what the artifact was made from."""
    row = connection.execute("SELECT num FROM artifacts WHERE key = ?", (key,)).fetchone()
    if row is None:
        return ()
    cubes = connection.execute(_STALE_SOURCES, row).fetchall()
    return tuple(
        (connection.execute("SELECT id FROM cubes WHERE num = ?", (cube,)).fetchone() or ("?",))[0]
        for cube, _ in cubes
    )


def stale(connection: sqlite3.Connection, scope: str) -> list[tuple[str, str | None]]:
    """(key, blob) of every stale artifact of a scope."""
    return connection.execute(
        "SELECT a.key, a.blob FROM artifacts a JOIN namespaces n ON n.num = a.namespace "
        f"WHERE (n.path = ? OR (n.path >= ? AND n.path < ?)) AND {_STALE}",
        paths.bounds(scope),
    ).fetchall()


def of_cubes(connection: sqlite3.Connection, ids: Sequence[str]) -> list[tuple[str, str | None]]:
    """(key, blob) of the artifacts that any of these cubes went into, in any version."""
    return connection.execute(
        "SELECT DISTINCT a.key, a.blob FROM artifacts a JOIN artifact_sources s "
        "ON s.artifact = a.num JOIN cubes c ON c.num = s.cube "
        "WHERE c.id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    ).fetchall()


def delete(connection: sqlite3.Connection, keys: Sequence[str]) -> int:
    """Drop artifacts with their source rows; how many there were."""
    listed = json.dumps(list(keys))
    connection.execute(
        "DELETE FROM artifact_sources WHERE artifact IN (SELECT num FROM artifacts "
        "WHERE key IN (SELECT value FROM json_each(?)))",
        (listed,),
    )
    return connection.execute(
        "DELETE FROM artifacts WHERE key IN (SELECT value FROM json_each(?))", (listed,)
    ).rowcount


def _select(
    connection: sqlite3.Connection, scope: str, more: str, values: tuple[Any, ...]
) -> list[ArtifactRow]:
    rows = connection.execute(
        "SELECT a.num, a.key, a.form, n.path, a.method, a.model, a.header, a.size, a.checksum, "
        f"a.payload, a.blob, a.created_at, NOT {_STALE} FROM artifacts a "
        "JOIN namespaces n ON n.num = a.namespace "
        f"WHERE (n.path = ? OR (n.path >= ? AND n.path < ?)) {more} ORDER BY a.num",
        (*paths.bounds(scope), *values),
    ).fetchall()
    return [_row(connection, *row) for row in rows]


def _row(connection: sqlite3.Connection, num: int, *told: Any) -> ArtifactRow:
    *fields, fresh = told
    named = dict(zip(ArtifactRow.__dataclass_fields__, fields, strict=False))
    return ArtifactRow(**named, sources=_sources(connection, num), fresh=bool(fresh))


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
) -> tuple[int, list[str]]:
    """Drop the stale artifacts of a scope; how many, and the files to unlink."""
    dead = stale(connection, scope)
    delete(connection, [key for key, _ in dead])
    if dead:
        num = writing.namespace_number(connection, scope)
        journal.write(connection, now, "sweep", actor, namespace=num, detail={"swept": len(dead)})
    return len(dead), [blob for _, blob in dead if blob]


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
