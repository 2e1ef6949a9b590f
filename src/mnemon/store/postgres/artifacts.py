"""Rows of compiled forms, payloads of any size among them: published, read, deleted with what they
were made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.errors import InvalidInput, StaleArtifact
from mnemon.store.postgres import freshness, places, withheld, writing
from mnemon.store.postgres.reading import INSIDE
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import ArtifactRow

if TYPE_CHECKING:
    from psycopg import Connection

LARGEST = 900_000_000
"""Bytes of a payload: PostgreSQL holds and sends values below a gibibyte."""
_TOLD = 100
"""Keys that one line of the journal names."""


def write(turn: Turn, row: ArtifactRow, actor: str, now: int) -> None:
    """Publish an artifact if all its sources are still current; a known key takes the new payload.

    Raises:
        StaleArtifact: a source, or what it continues, changed while it was being made.
        InvalidInput: the payload is larger than PostgreSQL takes.
    """
    if row.size > LARGEST:
        raise InvalidInput(
            f"the payload has {row.size:,} bytes: with PostgreSQL {LARGEST:,} is the most; "
            "divide it into several artifacts"
        )
    withheld.check(turn, row)
    num = writing.namespace_number(turn, row.namespace)
    cubes = [_current(turn, row.key, id, version) for id, version in row.sources]
    if row.parent is not None and not freshness.fresh(turn.connection, turn.tenant, [row.parent]):
        raise StaleArtifact(row.key, freshness.stale_sources(turn.connection, row.parent))
    artifact = turn.number()
    made = turn.connection.execute(
        "INSERT INTO artifacts (tenant, num, key, form, namespace, method, model, header, size, "
        "checksum, payload, created_at, parent) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %b, %s, %s) "
        "ON CONFLICT (tenant, key) DO NOTHING",
        (turn.tenant, artifact, row.key, row.form, num, row.method, row.model, row.header,
         row.size, row.checksum, row.payload, now, row.parent),
    )  # fmt: skip
    if row.elsewhere:
        places.withdraw(turn.connection, turn.tenant, row.key)
    if made.rowcount == 0:  # the one that was there was damaged, or another process was faster
        _renew(turn, row, num, cubes)
        return
    _write_sources(turn, artifact, cubes, 0)
    turn.tell(
        now, "derive", actor, namespace=num,
        detail={"form": row.form, "key": row.key, "sources": len(cubes), "bytes": row.size},
    )  # fmt: skip


def _write_sources(turn: Turn, artifact: int, cubes: Sequence[tuple[int, int]], first: int) -> None:
    turn.connection.cursor().executemany(
        "INSERT INTO artifact_sources VALUES (%s, %s, %s, %s, %s)",
        [
            (turn.tenant, artifact, i, cube, version)
            for i, (cube, version) in enumerate(cubes, first)
        ],
    )


def _renew(turn: Turn, row: ArtifactRow, namespace: int, cubes: list[tuple[int, int]]) -> None:
    turn.connection.execute(
        "UPDATE artifacts SET header = %s, size = %s, checksum = %s, payload = %b "
        "WHERE tenant = %s AND key = %s",
        (row.header, row.size, row.checksum, row.payload, turn.tenant, row.key),
    )
    if not row.elsewhere:
        return  # its key covers its sources
    found = turn.connection.execute(
        f"SELECT a.num, {freshness.STALE} FROM artifacts a WHERE a.tenant = %s AND a.key = %s",
        (turn.tenant, row.key),
    ).fetchone()
    assert found is not None
    mine = (turn.tenant, found[0])
    if found[1]:  # the same tokens said by others: what they were made from before is of no account
        turn.connection.execute(
            "DELETE FROM artifact_sources WHERE tenant = %s AND artifact = %s", mine
        )
        turn.connection.execute(
            "UPDATE artifacts SET namespace = %s WHERE tenant = %s AND num = %s",
            (namespace, *mine),
        )
    had = turn.connection.execute(
        "SELECT cube, version FROM artifact_sources WHERE tenant = %s AND artifact = %s", mine
    ).fetchall()
    more = [source for source in dict.fromkeys(cubes) if source not in had]
    _write_sources(turn, found[0], more, len(had))


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


def of_cubes(connection: Connection[Any], tenant: int, ids: Sequence[str]) -> list[tuple[int, str]]:
    """(number, key) of the artifacts that any of these cubes went into, in any version, and of all
    that continue one."""
    rows = connection.execute(
        "SELECT DISTINCT a.key FROM artifact_sources s "
        "JOIN artifacts a ON a.tenant = s.tenant AND a.num = s.artifact "
        "JOIN cubes c ON c.tenant = s.tenant AND c.num = s.cube "
        "WHERE s.tenant = %s AND c.id = ANY(%s)",
        (tenant, list(ids)),
    ).fetchall()
    return with_continuing(connection, tenant, [key for (key,) in rows])


def forms(connection: Connection[Any], tenant: int, nums: Sequence[int]) -> dict[str, int]:
    """How many of some artifacts there are of each form."""
    return dict(
        connection.execute(
            "SELECT form, count(*) FROM artifacts WHERE tenant = %s AND num = ANY(%s) "
            "GROUP BY form ORDER BY form",
            (tenant, list(nums)),
        ).fetchall()
    )


def with_continuing(
    connection: Connection[Any], tenant: int, keys: Sequence[str]
) -> list[tuple[int, str]]:
    """(number, key) of some artifacts and of all that continue one."""
    if not keys:
        return []
    return connection.execute(
        "WITH RECURSIVE gone (num, key) AS (SELECT num, key FROM artifacts "
        "WHERE tenant = %(tenant)s AND key = ANY(%(keys)s) UNION SELECT a.num, a.key FROM gone "
        "JOIN artifacts a ON a.tenant = %(tenant)s AND a.parent = gone.key) "
        "SELECT num, key FROM gone ORDER BY num",
        {"tenant": tenant, "keys": list(keys)},
    ).fetchall()


def delete(connection: Connection[Any], tenant: int, nums: Sequence[int]) -> None:
    """Drop artifacts with their source rows, and note that their bytes are to go from all
    places."""
    if not nums:
        return
    places.expect(connection, tenant, nums)
    for table, column in (("artifact_sources", "artifact"), ("artifacts", "num")):
        connection.execute(
            f"DELETE FROM {table} WHERE tenant = %s AND {column} = ANY(%s)", (tenant, list(nums))
        )


def delete_with(turn: Turn, keys: Sequence[str]) -> list[str]:
    """Drop artifacts and all that continue one; their keys."""
    gone = with_continuing(turn.connection, turn.tenant, keys)
    delete(turn.connection, turn.tenant, [num for num, _ in gone])
    return [key for _, key in gone]


def sweep(turn: Turn, scope: str, actor: str, now: int) -> list[str]:
    """Drop the stale artifacts of a scope and all that continue one; their keys."""
    stale = freshness.stale(turn.connection, turn.tenant, scope)
    dead = with_continuing(turn.connection, turn.tenant, stale)
    delete(turn.connection, turn.tenant, [num for num, _ in dead])
    if dead:
        num = writing.namespace_number(turn, scope)
        turn.tell(now, "sweep", actor, namespace=num, detail={"swept": len(dead)})
    return [key for _, key in dead]


def discard(turn: Turn, scope: str, keys: Sequence[str], actor: str, now: int) -> list[str]:
    """Drop artifacts of a scope by their keys and all that continue one; the keys of all."""
    mine = turn.connection.execute(
        "SELECT a.key FROM artifacts a "
        "JOIN namespaces n ON n.tenant = a.tenant AND n.num = a.namespace "
        f"WHERE a.tenant = %s AND {INSIDE} AND a.key = ANY(%s)",
        (turn.tenant, *paths.bounds(scope), list(keys)),
    ).fetchall()
    dead = with_continuing(turn.connection, turn.tenant, [key for (key,) in mine])
    delete(turn.connection, turn.tenant, [num for num, _ in dead])
    if dead:
        num = writing.namespace_number(turn, scope)
        told = {"dropped": len(dead), "keys": [key[:16] for _, key in dead[:_TOLD]]}
        turn.tell(now, "drop", actor, namespace=num, detail=told)
    return [key for _, key in dead]


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
        f"{payload}, NULL::text, a.created_at, a.parent FROM artifacts a "
        "JOIN namespaces n ON n.tenant = a.tenant AND n.num = a.namespace "
        f"WHERE a.tenant = %s AND {INSIDE} {more} ORDER BY a.num",
        (tenant, *paths.bounds(scope), *values),
    ).fetchall()
    fresh = freshness.fresh(connection, tenant, [key for _, key, *_ in rows])
    return [_row(connection, tenant, fresh, *row) for row in rows]


def _row(
    connection: Connection[Any], tenant: int, fresh: set[str], num: int, *told: Any
) -> ArtifactRow:
    *fields, parent = told
    named = dict(zip(ArtifactRow.__dataclass_fields__, fields, strict=False))
    sources = connection.execute(
        "SELECT coalesce(c.id, '?'), s.version FROM artifact_sources s "
        "LEFT JOIN cubes c ON c.tenant = s.tenant AND c.num = s.cube "
        "WHERE s.tenant = %s AND s.artifact = %s ORDER BY s.position",
        (tenant, num),
    ).fetchall()
    return ArtifactRow(**named, sources=tuple(sources), fresh=named["key"] in fresh, parent=parent)
