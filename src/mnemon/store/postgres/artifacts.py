"""Rows of compiled forms, payloads of any size among them. Freshness is a join over their sources,
computed when asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.errors import InvalidInput, StaleArtifact
from mnemon.store.postgres import writing
from mnemon.store.postgres.reading import INSIDE
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import ArtifactRow

if TYPE_CHECKING:
    from psycopg import Connection

LARGEST = 900_000_000
"""Bytes of a payload: PostgreSQL holds and sends values below a gibibyte."""

# A source is current iff its cube's unretired version is the one that was compiled.
_NOT_CURRENT = (
    "NOT EXISTS (SELECT 1 FROM versions v WHERE v.tenant = s.tenant AND v.cube = s.cube "
    "AND v.version = s.version AND v.retired_at IS NULL)"
)
_STALE = (
    "EXISTS (SELECT 1 FROM artifact_sources s WHERE s.tenant = a.tenant AND s.artifact = a.num "
    f"AND {_NOT_CURRENT})"
)


def write(turn: Turn, row: ArtifactRow, actor: str, now: int) -> None:
    """Publish an artifact if all its sources are still current; a known key takes the new payload.

    Raises:
        StaleArtifact: a source changed while the artifact was being made.
        InvalidInput: the payload is larger than PostgreSQL takes.
    """
    if row.size > LARGEST:
        raise InvalidInput(
            f"the payload has {row.size:,} bytes: with PostgreSQL {LARGEST:,} is the most; "
            "divide it into several artifacts"
        )
    num = writing.namespace_number(turn, row.namespace)
    cubes = [_current(turn, row.key, id, version) for id, version in row.sources]
    artifact = turn.number()
    made = turn.connection.execute(
        "INSERT INTO artifacts (tenant, num, key, form, namespace, method, model, header, size, "
        "checksum, payload, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %b, %s) "
        "ON CONFLICT (tenant, key) DO NOTHING",
        (turn.tenant, artifact, row.key, row.form, num, row.method, row.model, row.header,
         row.size, row.checksum, row.payload, now),
    )  # fmt: skip
    if made.rowcount == 0:  # the one that was there was damaged, or another process was faster
        turn.connection.execute(
            "UPDATE artifacts SET header = %s, size = %s, checksum = %s, payload = %b "
            "WHERE tenant = %s AND key = %s",
            (row.header, row.size, row.checksum, row.payload, turn.tenant, row.key),
        )
        return
    turn.connection.cursor().executemany(
        "INSERT INTO artifact_sources VALUES (%s, %s, %s, %s, %s)",
        [(turn.tenant, artifact, i, cube, version) for i, (cube, version) in enumerate(cubes)],
    )
    turn.tell(
        now, "derive", actor, namespace=num,
        detail={"form": row.form, "key": row.key, "sources": len(cubes), "bytes": row.size},
    )  # fmt: skip


def _current(turn: Turn, key: str, id: str, version: int) -> tuple[int, int]:
    found = turn.connection.execute(
        "SELECT c.num FROM cubes c JOIN versions v ON v.tenant = c.tenant AND v.cube = c.num "
        "WHERE c.tenant = %s AND c.id = %s AND v.version = %s AND v.retired_at IS NULL",
        (turn.tenant, id, version),
    ).fetchone()
    if found is None:
        raise StaleArtifact(key, (id,))
    return found[0], version


def read(connection: Connection[Any], tenant: int, scope: str, key: str) -> ArtifactRow | None:
    """An artifact by its key with its payload, if it lies in the scope."""
    found = _select(connection, tenant, scope, "a.payload", "AND a.key = %s", (key,))
    return found[0] if found else None


def listing(
    connection: Connection[Any], tenant: int, scope: str, form: str | None, cube: str | None
) -> list[ArtifactRow]:
    """Artifacts of a scope without payloads, oldest first, by form or by a cube they were made
    from."""
    return _select(
        connection,
        tenant,
        scope,
        "NULL::bytea",
        "AND (%s::text IS NULL OR a.form = %s) AND (%s::text IS NULL OR a.num IN "
        "(SELECT s.artifact FROM artifact_sources s WHERE s.tenant = %s AND s.cube = "
        "(SELECT num FROM cubes WHERE tenant = %s AND id = %s)))",
        (form, form, cube, tenant, tenant, cube),
    )


def stale_sources(connection: Connection[Any], key: str) -> tuple[str, ...]:
    """Ids of the sources that are no longer what the artifact was made from."""
    rows = connection.execute(
        "SELECT coalesce(c.id, '?') FROM counters t "  # one look a tenant, by its index
        "JOIN artifacts a ON a.tenant = t.tenant AND a.key = %s "
        "JOIN artifact_sources s ON s.tenant = a.tenant AND s.artifact = a.num "
        "LEFT JOIN cubes c ON c.tenant = s.tenant AND c.num = s.cube "
        f"WHERE {_NOT_CURRENT} ORDER BY s.position",
        (key,),
    )
    return tuple(id for (id,) in rows)


def of_cubes(connection: Connection[Any], tenant: int, ids: Sequence[str]) -> list[int]:
    """Numbers of the artifacts that any of these cubes went into, in any version."""
    rows = connection.execute(
        "SELECT DISTINCT s.artifact FROM artifact_sources s "
        "JOIN cubes c ON c.tenant = s.tenant AND c.num = s.cube "
        "WHERE s.tenant = %s AND c.id = ANY(%s)",
        (tenant, list(ids)),
    )
    return [num for (num,) in rows]


def delete(connection: Connection[Any], tenant: int, nums: Sequence[int]) -> None:
    """Drop artifacts with their source rows."""
    for table, column in (("artifact_sources", "artifact"), ("artifacts", "num")):
        connection.execute(
            f"DELETE FROM {table} WHERE tenant = %s AND {column} = ANY(%s)", (tenant, list(nums))
        )


def sweep(turn: Turn, scope: str, actor: str, now: int) -> int:
    """Drop the stale artifacts of a scope; how many."""
    rows = turn.connection.execute(
        "SELECT a.num FROM artifacts a "
        "JOIN namespaces n ON n.tenant = a.tenant AND n.num = a.namespace "
        f"WHERE a.tenant = %s AND {INSIDE} AND {_STALE}",
        (turn.tenant, *paths.bounds(scope)),
    ).fetchall()
    dead = [num for (num,) in rows]
    delete(turn.connection, turn.tenant, dead)
    if dead:
        num = writing.namespace_number(turn, scope)
        turn.tell(now, "sweep", actor, namespace=num, detail={"swept": len(dead)})
    return len(dead)


def _select(
    connection: Connection[Any],
    tenant: int,
    scope: str,
    payload: str,
    more: str,
    values: tuple[Any, ...],
) -> list[ArtifactRow]:
    cursor = connection.cursor(binary=True)
    rows = cursor.execute(
        "SELECT a.num, a.key, a.form, n.path, a.method, a.model, a.header, a.size, a.checksum, "
        f"{payload}, NULL::text, a.created_at, NOT {_STALE} FROM artifacts a "
        "JOIN namespaces n ON n.tenant = a.tenant AND n.num = a.namespace "
        f"WHERE a.tenant = %s AND {INSIDE} {more} ORDER BY a.num",
        (tenant, *paths.bounds(scope), *values),
    ).fetchall()
    return [_row(connection, tenant, *row) for row in rows]


def _row(connection: Connection[Any], tenant: int, num: int, *told: Any) -> ArtifactRow:
    *fields, fresh = told
    named = dict(zip(ArtifactRow.__dataclass_fields__, fields, strict=False))
    sources = connection.execute(
        "SELECT coalesce(c.id, '?'), s.version FROM artifact_sources s "
        "LEFT JOIN cubes c ON c.tenant = s.tenant AND c.num = s.cube "
        "WHERE s.tenant = %s AND s.artifact = %s ORDER BY s.position",
        (tenant, num),
    ).fetchall()
    return ArtifactRow(**named, sources=tuple(sources), fresh=bool(fresh))
