"""Retention: which cubes outlived the rule of their namespace, and what must be kept regardless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.errors import OnHold
from mnemon.instant import from_micros
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import Hold, Rule

if TYPE_CHECKING:
    from psycopg import Connection

_WITHIN = "(n.path = %s OR (n.path >= %s AND n.path < %s))"


def rules(connection: Connection[Any]) -> list[Rule]:
    """All rules by path."""
    rows = connection.execute("SELECT path, seconds, purge FROM retention ORDER BY path")
    return [Rule(*row) for row in rows.fetchall()]


def put(turn: Turn, rule: Rule) -> None:
    """Set a prefix's rule."""
    turn.connection.execute(
        "INSERT INTO retention (tenant, path, seconds, purge) VALUES (%s, %s, %s, %s) ON CONFLICT "
        "(tenant, path) DO UPDATE SET seconds = excluded.seconds, purge = excluded.purge",
        (turn.tenant, rule.namespace, rule.seconds, rule.purge),
    )


def remove(turn: Turn, path: str) -> bool:
    """Whether there was one."""
    done = turn.connection.execute(
        "DELETE FROM retention WHERE tenant = %s AND path = %s", (turn.tenant, path)
    )
    return done.rowcount > 0


def holds(connection: Connection[Any]) -> list[Hold]:
    """All holds, oldest first."""
    rows = connection.execute("SELECT what, since FROM holds ORDER BY since, what")
    return [Hold(what, from_micros(since)) for what, since in rows.fetchall()]


def hold(turn: Turn, what: str, now: int) -> None:
    """Keep a cube or a namespace prefix."""
    turn.connection.execute(
        "INSERT INTO holds (tenant, what, since) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (turn.tenant, what, now),
    )


def release(turn: Turn, what: str) -> bool:
    """Whether it was held."""
    done = turn.connection.execute(
        "DELETE FROM holds WHERE tenant = %s AND what = %s", (turn.tenant, what)
    )
    return done.rowcount > 0


def held(connection: Connection[Any], tenant: int, ids: Sequence[str]) -> dict[str, str]:
    """Those of some cubes that are held, and what holds each."""
    rows = connection.execute(
        "SELECT c.id, h.what FROM cubes c "
        "JOIN namespaces n ON n.tenant = c.tenant AND n.num = c.namespace "
        "JOIN holds h ON h.tenant = c.tenant "
        "AND (h.what = c.id OR h.what = n.path OR starts_with(n.path, h.what || '/')) "
        "WHERE c.tenant = %s AND c.id = ANY(%s) ORDER BY c.id",
        (tenant, list(ids)),
    )
    return dict(rows.fetchall())


def check(turn: Turn, ids: Sequence[str]) -> None:
    """Raise OnHold if one of some cubes is held."""
    for id, what in held(turn.connection, turn.tenant, ids).items():
        raise OnHold(id, what)


def outlived(connection: Connection[Any], tenant: int, rule: Rule, before: int) -> list[str]:
    """Ids of the cubes under a rule whose newest version was recorded by `before`, the oldest
    first: current ones, or, for a rule that purges, forgotten ones too. What a longer prefix has a
    rule for is not under it."""
    nearer = [
        other.namespace
        for other in rules(connection)
        if other.namespace != rule.namespace and paths.contains(rule.namespace, other.namespace)
    ]
    excluded = "".join(f" AND NOT {_WITHIN}" for _ in nearer)
    values = [part for path in (rule.namespace, *nearer) for part in paths.bounds(path)]
    current = "" if rule.purge else " AND count(*) FILTER (WHERE v.retired_at IS NULL) > 0"
    rows = connection.execute(
        "SELECT c.id FROM versions v JOIN cubes c ON c.tenant = v.tenant AND c.num = v.cube "
        "JOIN namespaces n ON n.tenant = v.tenant AND n.num = v.namespace "
        f"WHERE v.tenant = %s AND {_WITHIN}{excluded} GROUP BY c.num, c.id "
        f"HAVING max(v.recorded_at) <= %s{current} ORDER BY c.num",
        (tenant, *values, before),
    )
    return [id for (id,) in rows.fetchall()]
