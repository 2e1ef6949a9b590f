"""Vectors beside their cubes: int8 components with one float32 scale, per embedding space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mnemon.errors import DimensionMismatch, SpaceMoved
from mnemon.store.rows import Space, Vectors

if TYPE_CHECKING:
    from psycopg import Connection

_PART = 8192
_SPACE = "SELECT name, model, revision, dimension, embedder, state FROM spaces"


def space_number(connection: Connection[Any], made: Vectors) -> int:
    """The number of the space that vectors were made for.

    Raises:
        DimensionMismatch: they are longer or shorter than their space.
        SpaceMoved: the store has moved to another space meanwhile.
    """
    found = connection.execute(
        "SELECT num, dimension, state FROM spaces WHERE name = %s", (made.space,)
    ).fetchone()
    if found is None or found[2] == "retired":
        raise SpaceMoved(made.space)
    if made.matrix.shape[1] != found[1]:
        raise DimensionMismatch(made.space, found[1], made.matrix.shape[1])
    return int(found[0])


def insert(
    connection: Connection[Any],
    tenant: int,
    num: int,
    space: int,
    rows: Sequence[int],
    made: Vectors,
    positions: Sequence[int],
) -> None:
    """Write the vectors at `positions` of `made` for version rows of one namespace."""
    from mnemon.store.packing import pack  # numpy: only once there is a vector to write

    connection.execute(
        "INSERT INTO vectors (tenant, namespace, space, row, vector) SELECT %s, %s, %s, * "
        "FROM unnest(%b::bigint[], %b::bytea[]) ON CONFLICT (tenant, namespace, space, row) "
        "DO UPDATE SET vector = excluded.vector",
        (tenant, num, space, list(rows), pack(made.matrix[list(positions)])),
    )


def scan(
    connection: Connection[Any], tenant: int, nums: Sequence[int], space: str, after: int
) -> Iterator[tuple[list[int], bytes]]:
    """In parts: rows, and their packed vectors joined. Not in order where there are several
    namespaces."""
    for num in nums:
        with connection.cursor(name="vectors", binary=True) as cursor:
            cursor.itersize = _PART
            cursor.execute(
                "SELECT row, vector FROM vectors WHERE tenant = %s AND namespace = %s "
                "AND row > %s AND space = (SELECT num FROM spaces WHERE name = %s) ORDER BY row",
                (tenant, num, after, space),
            )
            while part := cursor.fetchmany(_PART):
                rows, blobs = zip(*part, strict=True)
                yield list(rows), b"".join(blobs)


def read(
    connection: Connection[Any], tenant: int, nums: Sequence[int], space: str, after: int
) -> list[tuple[int, bytes]]:
    """(row, packed vector) of some namespaces in one space, rows after `after`, in row order."""
    found = connection.execute(
        "SELECT row, vector FROM vectors WHERE tenant = %s AND namespace = ANY(%s) AND row > %s "
        "AND space = (SELECT num FROM spaces WHERE name = %s) ORDER BY row",
        (tenant, list(nums), after, space),
    )
    return [(row, bytes(vector)) for row, vector in found]


def spaces(connection: Connection[Any]) -> list[Space]:
    """All embedding spaces, oldest first."""
    return [Space(*row) for row in connection.execute(f"{_SPACE} ORDER BY num").fetchall()]


def active(connection: Connection[Any]) -> Space | None:
    """The space that searches use, if the store has one yet."""
    row = connection.execute(f"{_SPACE} WHERE state = 'active'").fetchone()
    return Space(*row) if row else None


def create(connection: Connection[Any], space: Space, now: int) -> None:
    """Record a space; keeps the one of that name if it is there (revived when it was retired).

    Raises:
        SpaceMoved: it was to be the active one, and meanwhile another one became that.
    """
    # Of any conflict: another process's first vectors may make the same space active just now.
    connection.execute(
        "INSERT INTO spaces (name, model, revision, dimension, embedder, state, created_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (space.name, space.model, space.revision, space.dimension, space.embedder, space.state,
         now),
    )  # fmt: skip
    found = connection.execute(
        "UPDATE spaces SET state = CASE state WHEN 'retired' THEN %s ELSE state END "
        "WHERE name = %s RETURNING num",
        (space.state, space.name),
    ).fetchone()
    if found is None:
        raise SpaceMoved(space.name)


def switch(connection: Connection[Any], name: str, keep: bool, now: int) -> bool:
    """Make a space the active one if every version has a vector in it; whether it did.

    Every write begins with a weak lock of `spaces`; this waits for those under way and keeps new
    ones out, so that no version slips in without a vector.
    """
    connection.execute("LOCK TABLE spaces IN SHARE ROW EXCLUSIVE MODE")
    if missing(connection, name, 0, 1):
        return False
    activate(connection, name, keep)
    connection.execute("UPDATE counters SET seq = seq + 1")
    connection.execute(
        "INSERT INTO journal (tenant, seq, at, verb, actor, detail) "
        "SELECT tenant, seq, %s, 'reindex', 'user', jsonb_build_object('space', %s::text)::text "
        "FROM counters",
        (now, name),
    )
    return True


def activate(connection: Connection[Any], name: str, keep: bool) -> None:
    """Make one space the active one; the one before it stays beside it or loses its vectors."""
    state = "building" if keep else "retired"
    connection.execute("UPDATE spaces SET state = %s WHERE state = 'active'", (state,))
    connection.execute("UPDATE spaces SET state = 'active' WHERE name = %s", (name,))
    connection.execute(
        "DELETE FROM vectors WHERE space IN (SELECT num FROM spaces WHERE state = 'retired')"
    )


def missing(
    connection: Connection[Any], space: str, after: int, limit: int
) -> list[tuple[int, str, str]]:
    """(row, namespace path, content) of versions after a row that have no vector in a space."""
    return connection.execute(
        "SELECT v.row, n.path, v.content FROM versions v "
        "JOIN namespaces n ON n.tenant = v.tenant AND n.num = v.namespace "
        "WHERE v.row > %s AND NOT EXISTS (SELECT 1 FROM vectors x WHERE x.tenant = v.tenant "
        "AND x.namespace = v.namespace AND x.row = v.row "
        "AND x.space = (SELECT num FROM spaces WHERE name = %s)) ORDER BY v.row LIMIT %s",
        (after, space, limit),
    ).fetchall()


def fill(connection: Connection[Any], tenant: int, rows: Sequence[int], made: Vectors) -> None:
    """Write vectors for existing versions; rows purged meanwhile are passed over."""
    where = dict(
        connection.execute(
            "SELECT row, namespace FROM versions WHERE tenant = %s AND row = ANY(%s)",
            (tenant, list(rows)),
        ).fetchall()
    )
    space = space_number(connection, made) if where else 0
    for num in sorted(set(where.values())):
        mine = [(at, row) for at, row in enumerate(rows) if where.get(row) == num]
        insert(
            connection, tenant, num, space, [row for _, row in mine], made, [at for at, _ in mine]
        )
