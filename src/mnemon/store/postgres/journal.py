"""The journal: one row for what happened, in the transaction in which it happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.cube import Event
from mnemon.instant import from_micros
from mnemon.store.postgres.reading import INSIDE
from mnemon.store.rows import Changes

if TYPE_CHECKING:
    from psycopg import Connection

_LAST = 2**63 - 1


def read(
    connection: Connection[Any],
    tenant: int,
    scope: str,
    cube: str | None,
    after: int,
    limit: int,
    before: int | None = None,
) -> list[Event]:
    """The newest `limit` events between two sequence numbers, oldest of them first."""
    rows = connection.execute(
        "SELECT j.seq, j.at, j.verb, j.actor, n.path, j.cube, j.version, j.detail FROM journal j "
        "JOIN namespaces n ON n.tenant = j.tenant AND n.num = j.namespace "
        f"WHERE j.tenant = %s AND j.seq > %s AND j.seq < %s AND {INSIDE} "
        "AND (%s::text IS NULL OR j.cube = %s) ORDER BY j.seq DESC LIMIT %s",
        (tenant, after, _LAST if before is None else before, *paths.bounds(scope), cube, cube,
         limit),
    ).fetchall()  # fmt: skip
    return [
        Event(seq, from_micros(at), verb, actor, where, id, version, json.loads(detail or "{}"))
        for seq, at, verb, actor, where, id, version, detail in reversed(rows)
    ]


def last(connection: Connection[Any], tenant: int) -> int:
    """A tenant's newest sequence number; 0 when nothing ever happened."""
    row = connection.execute("SELECT seq FROM counters WHERE tenant = %s", (tenant,)).fetchone()
    return row[0] if row else 0


def stamp(connection: Connection[Any], tenant: int, seq: int) -> str | None:
    """What tells this store at a moment from any other, and from itself in another history."""
    row = connection.execute(
        "SELECT s.value || ':' || j.tenant || ':' || j.seq || ':' || j.at FROM store s, journal j "
        "WHERE s.key = 'id' AND j.tenant = %s AND j.seq = %s",
        (tenant, seq),
    ).fetchone()
    return row[0] if row else None


def changes(connection: Connection[Any], tenant: int, scope: str, after: int) -> Changes:
    """What a cache of a scope that had seen `after` must do: end rows, or start over after a
    purge, wherever that was."""
    events = connection.execute(
        "SELECT j.verb, j.cube FROM journal j WHERE j.tenant = %s AND j.seq > %s "
        "AND j.verb IN ('update', 'restore', 'forget', 'purge', 'reindex') "
        "AND (j.verb IN ('purge', 'reindex') OR EXISTS (SELECT 1 FROM namespaces n "
        f"WHERE n.tenant = j.tenant AND n.num = j.namespace AND {INSIDE}))",
        (tenant, after, *paths.bounds(scope)),
    ).fetchall()
    rebuild = any(verb in ("purge", "reindex") for verb, _ in events)
    retired: list[tuple[int, int | None]] = []
    if events and not rebuild:
        retired = connection.execute(
            "SELECT v.row, v.retired_at FROM versions v "
            "JOIN cubes c ON c.tenant = v.tenant AND c.num = v.cube "
            "WHERE v.tenant = %s AND c.id = ANY(%s) AND v.retired_at IS NOT NULL",
            (tenant, list({cube for _, cube in events})),
        ).fetchall()
    return Changes(last(connection, tenant), tuple(retired), rebuild)
