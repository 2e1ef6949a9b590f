"""Reading cubes: filters to SQL, rows to MemCubes. Every statement names its tenant."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.cube import MemCube, Span
from mnemon.instant import now_micros
from mnemon.store.cubes import cube_of
from mnemon.store.rows import Filter, Headers

if TYPE_CHECKING:
    from psycopg import Connection

    Reader = Connection[Any]

_PART = 16_384
INSIDE = "(path = %s OR (path >= %s AND path < %s))"
_COLUMNS = (
    "v.row, c.id, v.version, n.path, v.kind, v.content, v.valid_from, v.recorded_at, v.speaker, "
    "v.session, v.metadata, v.valid_to, v.retired_at, c.key, v.producer, v.source, v.confidence, "
    "v.readers, v.writers, v.retain_until, v.compile, "
    "u.reads, u.last_read, u.helpful, u.unhelpful, u.strength"
)
_TABLES = (
    "versions v JOIN cubes c ON c.tenant = v.tenant AND c.num = v.cube "
    "JOIN namespaces n ON n.tenant = v.tenant AND n.num = v.namespace "
    "LEFT JOIN usage u ON u.tenant = v.tenant AND u.cube = v.cube"
)
_HEADERS = ", ".join(
    # A tenant's own number of a namespace fits into 32 bits, as a scope's columns keep it.
    "namespace & 2147483647" if name == "namespace" else name
    for name in Headers.NAMES
)
# PostgreSQL's jsonb holds no NUL, which JSON may.
_JSON = "replace({}, '\\u0000', '\\ufffd')::jsonb"


def namespaces(connection: Reader, tenant: int, scope: str) -> list[int]:
    """Numbers of a namespace and of all below it, ascending."""
    rows = connection.execute(
        f"SELECT num FROM namespaces WHERE tenant = %s AND {INSIDE} ORDER BY num",
        (tenant, *paths.bounds(scope)),
    )
    return [num for (num,) in rows]


def select(
    connection: Reader, tenant: int, chosen: Filter, *, after: int = 0, limit: int = -1
) -> list[tuple[int, MemCube]]:
    """(row, cube) of the versions a filter chooses, in the order they were recorded."""
    where, values = _where(tenant, chosen)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {where} AND v.row > %s ORDER BY v.row LIMIT %s",
        (*values, after, None if limit < 0 else limit),
    ).fetchall()
    return cubes(connection, tenant, rows)


def by_rows(connection: Reader, tenant: int, rows: Sequence[int]) -> dict[int, MemCube]:
    """The versions in given rows; a row that is gone is left out."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE v.tenant = %s AND v.row = ANY(%s)",
        (tenant, list(rows)),
    ).fetchall()
    return dict(cubes(connection, tenant, found))


def contents(connection: Reader, tenant: int, rows: Sequence[int]) -> dict[int, str]:
    """Contents of the versions in given rows."""
    found = connection.execute(
        "SELECT row, content FROM versions WHERE tenant = %s AND row = ANY(%s)",
        (tenant, list(rows)),
    )
    return dict(found.fetchall())


def count(connection: Reader, tenant: int, chosen: Filter) -> int:
    """How many versions a filter chooses."""
    where, values = _where(tenant, chosen)
    row = connection.execute(
        "SELECT count(*) FROM versions v JOIN cubes c ON c.tenant = v.tenant AND c.num = v.cube "
        f"WHERE {where}",
        values,
    ).fetchone()
    return int(row[0]) if row else 0


def history(connection: Reader, tenant: int, scope: str, id: str) -> list[MemCube]:
    """All versions of a cube, oldest first; empty if it is not in the scope."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE v.tenant = %s AND c.id = %s AND {INSIDE} "
        "ORDER BY v.version",
        (tenant, id, *paths.bounds(scope)),
    ).fetchall()
    return [cube for _, cube in cubes(connection, tenant, rows)]


def find(connection: Reader, tenant: int, scope: str, ending: str) -> list[str]:
    """At most ten ids of a scope that end so; walks the scope's ids."""
    rows = connection.execute(
        "SELECT c.id FROM cubes c JOIN namespaces n ON n.tenant = c.tenant AND n.num = c.namespace "
        f"WHERE c.tenant = %s AND {INSIDE} AND right(c.id, length(%s)) = %s "
        "ORDER BY c.num LIMIT 10",
        (tenant, *paths.bounds(scope), ending, ending),
    )
    return [id for (id,) in rows]


def scan(connection: Reader, tenant: int, nums: list[int], after: int) -> Iterator[Headers]:
    """Headers in parts of what ranking needs of every version (of any time) in some namespaces; not
    in order where there are several."""
    for num in nums:
        with connection.cursor(name="headers", binary=True) as cursor:
            cursor.itersize = _PART
            cursor.execute(
                f"SELECT {_HEADERS} FROM versions WHERE tenant = %s AND namespace = %s "
                "AND row > %s ORDER BY row",
                (tenant, num, after),
            )
            while part := cursor.fetchmany(_PART):
                yield Headers(part)


def _where(tenant: int, chosen: Filter) -> tuple[str, list[Any]]:
    parts = [
        "v.tenant = %s",
        f"v.namespace IN (SELECT num FROM namespaces WHERE tenant = %s AND {INSIDE})",
    ]
    values: list[Any] = [tenant, tenant, *paths.bounds(chosen.namespace)]

    def need(condition: str, *given: Any) -> None:
        parts.append(condition)
        values.extend(given)

    _moment(chosen, need)
    if chosen.ids is not None:
        need("c.id = ANY(%s)", list(chosen.ids))
    if chosen.kinds is not None:
        need("v.kind = ANY(%s)", list(chosen.kinds))
    if chosen.speaker is not None:
        need("v.speaker = %s", chosen.speaker)
    if chosen.session is not None:
        need("v.session = %s", chosen.session)
    if chosen.since is not None:
        need("v.valid_from >= %s", chosen.since)
    if chosen.until is not None:
        need("v.valid_from < %s", chosen.until)
    if chosen.retain_before is not None:
        need("v.retain_until <= %s", chosen.retain_before)
    if chosen.reader is not None:
        need("(v.readers IS NULL OR jsonb_exists(v.readers::jsonb, %s))", chosen.reader)
    for key, wanted in chosen.metadata.items():
        need(_HOLDS, key, *[json.dumps(wanted)] * 2)
    return " AND ".join(parts), values


_VALUE = f"{_JSON.format('%s::text')}"
_HOLDS = (
    f"EXISTS (SELECT 1 FROM jsonb_each({_JSON.format('v.metadata')}) m WHERE m.key = %s AND "
    f"(m.value = {_VALUE} OR (jsonb_typeof(m.value) = 'array' AND EXISTS "
    f"(SELECT 1 FROM jsonb_array_elements(m.value) x WHERE x.value = {_VALUE}))))"
)


def _moment(chosen: Filter, need: Any) -> None:
    if chosen.as_of is not None:
        need(
            "v.recorded_at <= %s AND (v.retired_at IS NULL OR v.retired_at > %s)",
            chosen.as_of, chosen.as_of,
        )  # fmt: skip
    elif chosen.forgotten:
        need(
            "v.version = (SELECT max(version) FROM versions w "
            "WHERE w.tenant = v.tenant AND w.cube = v.cube)",
        )
    else:
        need("v.retired_at IS NULL")
    if chosen.valid_at is not None:
        need(
            "v.valid_from <= %s AND (v.valid_to IS NULL OR v.valid_to > %s)",
            chosen.valid_at, chosen.valid_at,
        )  # fmt: skip
    elif not chosen.ended:
        moment = chosen.as_of if chosen.as_of is not None else now_micros()
        need("(v.valid_to IS NULL OR v.valid_to > %s)", moment)


def cubes(
    connection: Reader, tenant: int, rows: Sequence[tuple[Any, ...]]
) -> list[tuple[int, MemCube]]:
    """MemCubes of selected columns, with their sources."""
    spans = spans_of(connection, tenant, [row[0] for row in rows]) if rows else {}
    return [
        (row[0], cube_of(row, tuple(Span(*span) for span in spans.get(row[0], ())))) for row in rows
    ]


def spans_of(connection: Reader, tenant: int, rows: list[int]) -> dict[int, list[tuple[Any, ...]]]:
    """(cube, version, start, end) of the sources of versions by row."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row, *span in connection.execute(
        'SELECT row, cube, version, "start", "end" FROM spans '
        "WHERE tenant = %s AND row = ANY(%s) ORDER BY row, position",
        (tenant, rows),
    ):
        found.setdefault(row, []).append(tuple(span))
    return found


def speakers(connection: Reader, tenant: int, scope: str) -> list[str]:
    """Everyone who has spoken in a scope, sorted."""
    rows = connection.execute(
        "SELECT DISTINCT s.speaker FROM speakers s "
        "JOIN namespaces n ON n.tenant = s.tenant AND n.num = s.namespace "
        f"WHERE s.tenant = %s AND {INSIDE} ORDER BY s.speaker",
        (tenant, *paths.bounds(scope)),
    )
    return [speaker for (speaker,) in rows]


def namespace_sizes(
    connection: Reader, tenant: int | None, scope: str | None
) -> list[tuple[str, int]]:
    """(path, current cubes) of the namespaces of a scope, or of all, sorted by path."""
    where, values = ("true", ()) if scope is None else (f"n.tenant = %s AND {INSIDE}", None)
    rows = connection.execute(
        "SELECT n.path, (SELECT count(*) FROM versions v WHERE v.tenant = n.tenant "
        f"AND v.namespace = n.num AND v.retired_at IS NULL) FROM namespaces n WHERE {where} "
        "ORDER BY n.path",
        values if values is not None else (tenant, *paths.bounds(scope or "")),
    )
    return rows.fetchall()


def sizes(connection: Reader) -> dict[str, int]:
    """Counts of what the store holds, bytes of artifacts (in places too) and tables, and blobs that
    wait to be removed from places."""
    queries = {
        "cubes": "SELECT count(*) FROM versions WHERE retired_at IS NULL",
        "versions": "SELECT count(*) FROM versions",
        "namespaces": "SELECT count(*) FROM namespaces",
        "links": "SELECT count(*) FROM links WHERE retired_at IS NULL",
        "artifacts": "SELECT count(*) FROM artifacts",
        "artifact_bytes": "SELECT coalesce(sum(size), 0)::bigint FROM artifacts",
        # Every tenant counts its own, so in all the sum grows with every entry.
        "journal": "SELECT coalesce(sum(seq), 0)::bigint FROM counters",
        "removals": "SELECT count(*) FROM removals",
        "reads": "SELECT coalesce(sum(reads), 0)::bigint FROM usage",
        "file_bytes": "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint "
        "FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace",
    }
    found = {}
    for name, query in queries.items():
        row = connection.execute(query).fetchone()
        found[name] = int(row[0]) if row else 0
    return {**found, "log_bytes": 0}
