"""Vectors beside their cubes: int8 components with one float32 scale, per embedding space."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mnemon.errors import DimensionMismatch, SpaceMoved
from mnemon.store.rows import Space, Vectors
from mnemon.store.sqlite import inserting, journal

if TYPE_CHECKING:
    import numpy as np

_PART = 8192
_SPACE = "SELECT name, model, revision, dimension, embedder, state FROM spaces"


def insert(
    connection: sqlite3.Connection,
    space: str,
    places: Sequence[tuple[int, int]],
    matrix: np.ndarray,
) -> None:
    """Write vectors float32 [N, D] of a space for N (namespace number, version row).

    Raises:
        DimensionMismatch: they are longer or shorter than their space.
        SpaceMoved: the store has moved to another space meanwhile.
    """
    found = connection.execute(
        "SELECT num, dimension, state FROM spaces WHERE name = ?", (space,)
    ).fetchone()
    if found is None or found[2] == "retired":
        raise SpaceMoved(space)
    number, dimension, _ = found
    if matrix.shape[1] != dimension:
        raise DimensionMismatch(space, dimension, matrix.shape[1])
    from mnemon.store.packing import pack  # numpy: only once there is a vector to write

    rows = [(num, number, row, b) for (num, row), b in zip(places, pack(matrix), strict=True)]
    inserting.insert(connection, "vectors", rows, "INSERT OR REPLACE")


def read(
    connection: sqlite3.Connection, nums: Sequence[int], space: str, after: int
) -> list[tuple[int, bytes]]:
    """(row, packed vector) of some namespaces in one space, rows after `after`, in row order."""
    found: list[tuple[int, bytes]] = []
    for num in nums:
        found += connection.execute(
            "SELECT row, vector FROM vectors WHERE namespace = ? AND row > ? "
            "AND space = (SELECT num FROM spaces WHERE name = ?) ORDER BY row",
            (num, after, space),
        )
    return sorted(found) if len(nums) > 1 else found


def scan(
    connection: sqlite3.Connection, nums: Sequence[int], space: str, after: int
) -> Iterator[tuple[list[int], bytes]]:
    """The same as `read` in parts: rows, and their packed vectors joined. Not in order where there
    are several namespaces."""
    for num in nums:
        cursor = connection.execute(
            "SELECT row, vector FROM vectors WHERE namespace = ? AND row > ? "
            "AND space = (SELECT num FROM spaces WHERE name = ?) ORDER BY row",
            (num, after, space),
        )
        while part := cursor.fetchmany(_PART):
            rows, blobs = zip(*part, strict=True)
            yield list(rows), b"".join(blobs)


def spaces(connection: sqlite3.Connection) -> list[Space]:
    """All embedding spaces, oldest first."""
    return [Space(*row) for row in connection.execute(f"{_SPACE} ORDER BY num")]


def active(connection: sqlite3.Connection) -> Space | None:
    """The space that searches use, if the store has one yet."""
    row = connection.execute(f"{_SPACE} WHERE state = 'active'").fetchone()
    return Space(*row) if row else None


def create(connection: sqlite3.Connection, space: Space, now: int) -> None:
    """Record a space; keeps the one of that name if it is there (revived when it was retired)."""
    connection.execute(
        "INSERT INTO spaces (name, model, revision, dimension, embedder, state, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state "
        "WHERE state = 'retired'",
        (*[getattr(space, f) for f in ("name", "model", "revision", "dimension")],
         space.embedder, space.state, now),
    )  # fmt: skip


def switch(connection: sqlite3.Connection, name: str, keep: bool, now: int) -> bool:
    """Make a space the active one if every version has a vector in it; whether it did."""
    if missing(connection, name, 0, 1):
        return False
    activate(connection, name, keep)
    journal.write(connection, now, "reindex", "user", detail={"space": name})
    return True


def activate(connection: sqlite3.Connection, name: str, keep: bool) -> None:
    """Make one space the active one; the one before it stays beside it or loses its vectors."""
    state = "building" if keep else "retired"
    connection.execute("UPDATE spaces SET state = ? WHERE state = 'active'", (state,))
    connection.execute("UPDATE spaces SET state = 'active' WHERE name = ?", (name,))
    connection.execute(
        "DELETE FROM vectors WHERE space IN (SELECT num FROM spaces WHERE state = 'retired')"
    )


def missing(
    connection: sqlite3.Connection, space: str, after: int, limit: int
) -> list[tuple[int, str, str]]:
    """(row, namespace path, content) of versions after a row that have no vector in a space."""
    return connection.execute(
        "SELECT v.row, n.path, v.content FROM versions v JOIN namespaces n ON n.num = v.namespace "
        "WHERE v.row > ? AND NOT EXISTS "
        "(SELECT 1 FROM vectors x WHERE x.namespace = v.namespace AND x.row = v.row "
        "AND x.space = (SELECT num FROM spaces WHERE name = ?)) ORDER BY v.row LIMIT ?",
        (after, space, limit),
    ).fetchall()


def fill(connection: sqlite3.Connection, rows: Sequence[int], made: Vectors) -> None:
    """Write vectors for existing versions; rows purged meanwhile are passed over."""
    for position, row in enumerate(rows):
        found = connection.execute(
            "SELECT namespace FROM versions WHERE row = ?", (row,)
        ).fetchone()
        if found is not None:
            insert(connection, made.space, [(found[0], row)], made.matrix[[position]])
