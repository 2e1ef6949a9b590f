"""Usage counters: reads and feedback. They never decide what is true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.errors import NotFound
from mnemon.store.postgres.reading import INSIDE
from mnemon.store.postgres.turn import Turn

if TYPE_CHECKING:
    from psycopg import Connection


def read(turn: Turn, reads: Mapping[str, int], now: int) -> None:
    """Count reads of cubes by id; ids that are gone meanwhile, or another's, are passed over."""
    turn.connection.execute(
        "INSERT INTO usage (tenant, cube, reads, last_read) SELECT c.tenant, c.num, r.times, %s "
        "FROM unnest(%s::text[], %s::bigint[]) r (id, times) "
        "JOIN cubes c ON c.tenant = %s AND c.id = r.id "
        "ON CONFLICT (tenant, cube) DO UPDATE SET reads = usage.reads + excluded.reads, "
        "last_read = excluded.last_read",
        (now, list(reads), list(reads.values()), turn.tenant),
    )


def judge(turn: Turn, scope: str, id: str, helpful: bool) -> None:
    """Count one judgement of a cube, or of an artifact by its key.

    Raises:
        NotFound: no such cube or artifact in the scope.
    """
    column = "helpful" if helpful else "unhelpful"
    done = turn.connection.execute(
        f"INSERT INTO usage (tenant, cube, {column}) SELECT c.tenant, c.num, 1 FROM cubes c "
        "JOIN namespaces n ON n.tenant = c.tenant AND n.num = c.namespace "
        f"WHERE c.tenant = %s AND c.id = %s AND {INSIDE} "
        f"ON CONFLICT (tenant, cube) DO UPDATE SET {column} = usage.{column} + 1",
        (turn.tenant, id, *paths.bounds(scope)),
    )
    if done.rowcount == 0:
        done = turn.connection.execute(
            f"UPDATE artifacts a SET {column} = a.{column} + 1 FROM namespaces n "
            "WHERE a.tenant = %s AND a.key = %s AND n.tenant = a.tenant AND n.num = a.namespace "
            f"AND {INSIDE}",
            (turn.tenant, id, *paths.bounds(scope)),
        )
    if done.rowcount == 0:
        raise NotFound(f"no cube {id} in namespace {scope!r}")


def of(
    connection: Connection[Any], tenant: int, rows: Sequence[int]
) -> dict[int, tuple[int, int, int, int]]:
    """(reads, microseconds of the last read or 0, helpful, unhelpful) of cubes by a row."""
    found = connection.execute(
        "SELECT v.row, u.reads, coalesce(u.last_read, 0), u.helpful, u.unhelpful FROM versions v "
        "JOIN usage u ON u.tenant = v.tenant AND u.cube = v.cube "
        "WHERE v.tenant = %s AND v.row = ANY(%s)",
        (tenant, list(rows)),
    )
    return {row: (reads, last, good, bad) for row, reads, last, good, bad in found}
