"""Quotas: how much a namespace prefix may hold, checked in the transaction that writes.

A tenant's writers follow each other, and what is over is rolled back: a quota is never overrun, not
even for a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon.errors import QuotaExceeded
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import Quota

if TYPE_CHECKING:
    from psycopg import Connection

_BYTES = "octet_length(content) + coalesce(octet_length(metadata), 0)"
COUNTED = (
    "SELECT tenant, namespace, count(*) FILTER (WHERE retired_at IS NULL) AS cubes, "
    f"sum({_BYTES})::bigint AS bytes FROM versions"
)
_HELD = (
    "LATERAL (SELECT coalesce(sum(h.cubes), 0)::bigint AS cubes, "
    "coalesce(sum(h.bytes), 0)::bigint AS bytes FROM holdings h "
    "JOIN namespaces m ON m.tenant = h.tenant AND m.num = h.namespace WHERE h.tenant = q.tenant "
    # Below a path is what sorts between it with '/' and it with what follows '/'.
    "AND (m.path = q.path OR (m.path >= q.path || '/' AND m.path < q.path || '0'))) held"
)


def check(turn: Turn, num: int) -> None:
    """Raise QuotaExceeded when a namespace, or one above it, holds more than it may."""
    rows = turn.connection.execute(
        "SELECT q.path, q.cubes, q.bytes, held.cubes, held.bytes FROM namespaces n "
        "JOIN quotas q ON q.tenant = n.tenant "
        f"AND (n.path = q.path OR starts_with(n.path, q.path || '/')), {_HELD} "
        "WHERE n.tenant = %s AND n.num = %s ORDER BY q.path",
        (turn.tenant, num),
    ).fetchall()
    for path, cubes, size, *held in rows:
        for of, most, now in (("cubes", cubes, held[0]), ("bytes", size, held[1])):
            if most is not None and now > most:
                raise QuotaExceeded(path, of, most)


def known(connection: Connection[Any]) -> list[Quota]:
    """All quotas by path, with what each prefix holds now."""
    rows = connection.execute(
        "SELECT q.path, q.cubes, q.bytes, held.cubes, held.bytes, q.rate "
        f"FROM quotas q, {_HELD} ORDER BY q.path"
    )
    return [Quota(*row) for row in rows.fetchall()]


def rates(connection: Connection[Any]) -> list[tuple[str, str]]:
    """(path, rate) of those that have one."""
    return connection.execute(
        "SELECT path, rate FROM quotas WHERE rate IS NOT NULL ORDER BY path"
    ).fetchall()


def put(turn: Turn, path: str, cubes: int | None, size: int | None, rate: str | None) -> None:
    """Set a prefix's quota; what is over it already stays, and nothing can be added."""
    turn.connection.execute(
        "INSERT INTO quotas (tenant, path, cubes, bytes, rate) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (tenant, path) DO UPDATE SET cubes = excluded.cubes, bytes = excluded.bytes, "
        "rate = excluded.rate",
        (turn.tenant, path, cubes, size, rate),
    )


def remove(turn: Turn, path: str) -> bool:
    """Whether there was one."""
    done = turn.connection.execute(
        "DELETE FROM quotas WHERE tenant = %s AND path = %s", (turn.tenant, path)
    )
    return done.rowcount > 0


def gain(turn: Turn, rows: Sequence[int]) -> None:
    """Count versions that were written."""
    turn.connection.execute(
        f"INSERT INTO holdings {COUNTED} WHERE tenant = %s AND row = ANY(%s) "
        "GROUP BY tenant, namespace ON CONFLICT (tenant, namespace) DO UPDATE "
        "SET cubes = holdings.cubes + excluded.cubes, bytes = holdings.bytes + excluded.bytes",
        (turn.tenant, list(rows)),
    )


def end(turn: Turn, row: int) -> None:
    """Count one current version less, which ends."""
    turn.connection.execute(
        "UPDATE holdings h SET cubes = h.cubes - 1 FROM versions v WHERE v.tenant = %s "
        "AND v.row = %s AND h.tenant = v.tenant AND h.namespace = v.namespace",
        (turn.tenant, row),
    )


def lose(connection: Connection[Any], tenant: int, rows: Sequence[int]) -> None:
    """Count versions that are about to be deleted."""
    connection.execute(
        "UPDATE holdings h SET cubes = h.cubes - lost.cubes, bytes = h.bytes - lost.bytes "
        f"FROM ({COUNTED} WHERE tenant = %s AND row = ANY(%s) GROUP BY tenant, namespace) lost "
        "WHERE h.tenant = lost.tenant AND h.namespace = lost.namespace",
        (tenant, list(rows)),
    )


def recount(connection: Connection[Any]) -> None:
    """Make the counters anew, for `fsck(repair=True)`."""
    connection.execute("DELETE FROM holdings")
    connection.execute(f"INSERT INTO holdings {COUNTED} GROUP BY tenant, namespace")
