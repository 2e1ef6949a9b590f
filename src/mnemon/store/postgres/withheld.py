"""Namespace prefixes whose cubes may not be compiled to weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.errors import NotForWeights
from mnemon.instant import from_micros
from mnemon.store.postgres.reading import INSIDE
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import WEIGHTS, ArtifactRow, Withheld

if TYPE_CHECKING:
    from psycopg import Connection

_REFUSED = (
    "SELECT c.id, w.path FROM cubes c "
    "JOIN namespaces n ON n.tenant = c.tenant AND n.num = c.namespace "
    "JOIN versions v ON v.tenant = c.tenant AND v.cube = c.num AND v.retired_at IS NULL "
    "LEFT JOIN withheld w ON w.tenant = c.tenant "
    "AND (n.path = w.path OR starts_with(n.path, w.path || '/')) "
    "WHERE c.tenant = %s AND c.id = ANY(%s) AND (w.path IS NOT NULL OR NOT v.compile) "
    "ORDER BY c.id LIMIT 1"
)


def known(connection: Connection[Any]) -> list[Withheld]:
    """All of them by path."""
    rows = connection.execute("SELECT path, since FROM withheld ORDER BY path")
    return [Withheld(path, from_micros(since)) for path, since in rows.fetchall()]


def put(turn: Turn, path: str, now: int) -> list[str]:
    """Withhold a prefix; keys of the weights that its cubes have gone into."""
    turn.connection.execute(
        "INSERT INTO withheld (tenant, path, since) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (turn.tenant, path, now),
    )
    rows = turn.connection.execute(
        "SELECT DISTINCT a.key FROM artifacts a "
        "JOIN artifact_sources s ON s.tenant = a.tenant AND s.artifact = a.num "
        "JOIN cubes c ON c.tenant = s.tenant AND c.num = s.cube "
        "JOIN namespaces n ON n.tenant = c.tenant AND n.num = c.namespace "
        f"WHERE a.tenant = %s AND a.form = ANY(%s) AND {INSIDE}",
        (turn.tenant, list(WEIGHTS), *paths.bounds(path)),
    )
    return [key for (key,) in rows.fetchall()]


def remove(turn: Turn, path: str) -> bool:
    """Whether it was withheld."""
    done = turn.connection.execute(
        "DELETE FROM withheld WHERE tenant = %s AND path = %s", (turn.tenant, path)
    )
    return done.rowcount > 0


def check(turn: Turn, row: ArtifactRow) -> None:
    """Raise NotForWeights if an artifact is weights and one of its sources is withheld."""
    if row.form not in WEIGHTS:
        return
    found = turn.connection.execute(
        _REFUSED, (turn.tenant, [id for id, _ in row.sources])
    ).fetchone()
    if found is not None:
        raise NotForWeights(*found)
