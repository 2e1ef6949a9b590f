"""Freshness: a join over the sources of an artifact and of all that it continues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.store import lineage
from mnemon.store.postgres.reading import INSIDE

if TYPE_CHECKING:
    from psycopg import Connection

# A source is current iff its cube's unretired version is the one that was compiled.
_NOT_CURRENT = (
    "NOT EXISTS (SELECT 1 FROM versions v WHERE v.tenant = s.tenant AND v.cube = s.cube "
    "AND v.version = s.version AND v.retired_at IS NULL)"
)
STALE = (
    "EXISTS (SELECT 1 FROM artifact_sources s WHERE s.tenant = a.tenant AND s.artifact = a.num "
    f"AND {_NOT_CURRENT})"
)
"""Whether an artifact's own sources (it is named `a`) are not all current."""
_LINE = (
    "WITH RECURSIVE line (tenant, num, key, parent) AS ({first} UNION "
    "SELECT p.tenant, p.num, p.key, p.parent FROM line JOIN artifacts p "
    "ON p.tenant = line.tenant AND p.key = line.parent) "
)
_OF_TENANT = (
    "SELECT tenant, num, key, parent FROM artifacts WHERE tenant = %(tenant)s "
    "AND key = ANY(%(keys)s)"
)
_OF_ANY = (  # one look a tenant, by its index
    "SELECT a.tenant, a.num, a.key, a.parent FROM counters t "
    "JOIN artifacts a ON a.tenant = t.tenant AND a.key = %(key)s"
)


def fresh(connection: Connection[Any], tenant: int, keys: Sequence[str]) -> set[str]:
    """Those of some keys that are known, current, and continue only what is."""
    rows = connection.execute(
        f"{_LINE.format(first=_OF_TENANT)}SELECT a.key, a.parent, NOT {STALE} FROM line a",
        {"tenant": tenant, "keys": list(keys)},
    ).fetchall()
    return lineage.fresh(rows).intersection(keys)


def fresh_within(
    connection: Connection[Any], tenant: int, scope: str, keys: Sequence[str]
) -> set[str]:
    """The same, of those that lie in a scope."""
    inside = connection.execute(
        "SELECT a.key FROM artifacts a "
        "JOIN namespaces n ON n.tenant = a.tenant AND n.num = a.namespace "
        f"WHERE a.tenant = %s AND a.key = ANY(%s) AND {INSIDE}",
        (tenant, list(keys), *paths.bounds(scope)),
    ).fetchall()
    return fresh(connection, tenant, [key for (key,) in inside])


def stale(connection: Connection[Any], tenant: int, scope: str) -> list[str]:
    """Keys of every stale artifact of a scope."""
    rows = connection.execute(
        f"SELECT a.key, {STALE}, a.parent IS NOT NULL FROM artifacts a "
        "JOIN namespaces n ON n.tenant = a.tenant AND n.num = a.namespace "
        f"WHERE a.tenant = %s AND {INSIDE}",
        (tenant, *paths.bounds(scope)),
    ).fetchall()
    own = {key for key, dead, _ in rows if dead}
    continuing = {key for key, _, continues in rows if continues}
    return sorted(own | (continuing - fresh(connection, tenant, sorted(continuing))))


def stale_sources(connection: Connection[Any], key: str) -> tuple[str, ...]:
    """Ids of the sources, of an artifact and of what it continues, that are no longer what it was
    made from."""
    rows = connection.execute(
        f"{_LINE.format(first=_OF_ANY)}SELECT coalesce(c.id, '?') FROM line a "
        "JOIN artifact_sources s ON s.tenant = a.tenant AND s.artifact = a.num "
        "LEFT JOIN cubes c ON c.tenant = s.tenant AND c.num = s.cube "
        f"WHERE {_NOT_CURRENT} ORDER BY a.num, s.position",
        {"key": key},
    ).fetchall()
    return tuple(dict.fromkeys(id for (id,) in rows))
