"""Typed links between cubes. Both ends are in one scope, hence of one tenant."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.cube import Link
from mnemon.errors import InvalidInput, NotFound
from mnemon.instant import from_micros
from mnemon.store.postgres.reading import INSIDE
from mnemon.store.postgres.turn import Turn

if TYPE_CHECKING:
    from psycopg import Connection

_LINK = (
    "INSERT INTO links (tenant, num, src, type, dst, weight, metadata, recorded_at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) "
    "ON CONFLICT (tenant, src, type, dst) WHERE retired_at IS NULL DO "
)


def resolve(
    turn: Turn, num: int, wanted: Sequence[tuple[str, tuple[tuple[str, str], ...]]], now: int
) -> None:
    """Write the links that drafts asked for by (type, key of the other cube).

    A cube known by its key may have been forgotten since: nothing is linked to or from it.

    Raises:
        NotFound: no cube of the namespace has that key.
    """
    for id, asked in wanted:
        for type, key in asked:
            ends = turn.connection.execute(
                "SELECT c.id, c.num, v.row FROM cubes c LEFT JOIN versions v "
                "ON v.tenant = c.tenant AND v.cube = c.num AND v.retired_at IS NULL "
                "WHERE c.tenant = %s AND (c.id = %s OR (c.namespace = %s AND c.key = %s))",
                (turn.tenant, id, num, key),
            ).fetchall()
            here = [end for end in ends if end[0] == id]
            there = [end for end in ends if end[0] != id] or _itself(turn, here, num, key)
            if not there:
                raise NotFound(f"cannot link {type!r}: no cube of this namespace has key {key!r}")
            (src,), (dst,) = here, there
            if src[2] is not None and dst[2] is not None:
                turn.connection.execute(
                    f"{_LINK} NOTHING",
                    (turn.tenant, turn.number(), src[1], type, dst[1], 1.0, None, now),
                )


def _itself(turn: Turn, here: list[tuple[Any, ...]], num: int, key: str) -> list[tuple[Any, ...]]:
    found = turn.connection.execute(
        "SELECT 1 FROM cubes WHERE tenant = %s AND namespace = %s AND key = %s",
        (turn.tenant, num, key),
    ).fetchone()
    return here if found else []


def write(turn: Turn, scope: str, link: Link, actor: str, now: int) -> None:
    """Write a link, or set the weight and metadata of the one that is there.

    Raises:
        NotFound: either end is not a current cube of the scope.
        InvalidInput: a weight that is no number.
    """
    if not math.isfinite(link.weight):
        raise InvalidInput(f"the weight of a link is {link.weight}: it must be a finite number")
    src, num = _current(turn, scope, link.src)
    dst, _ = _current(turn, scope, link.dst)
    data = json.dumps(dict(link.metadata)) if link.metadata else None
    turn.connection.execute(
        f"{_LINK} UPDATE SET weight = excluded.weight, metadata = excluded.metadata",
        (turn.tenant, turn.number(), src, link.type, dst, link.weight, data, now),
    )
    turn.tell(
        now, "link", actor, namespace=num, cube=link.src,
        detail={"type": link.type, "dst": link.dst},
    )  # fmt: skip


def remove(turn: Turn, scope: str, link: Link, actor: str, now: int) -> bool:
    """End a link; whether there was one."""
    src, num = _current(turn, scope, link.src)
    ended = turn.connection.execute(
        "UPDATE links SET retired_at = %s WHERE tenant = %s AND src = %s AND type = %s "
        "AND retired_at IS NULL AND dst = (SELECT num FROM cubes WHERE tenant = %s AND id = %s)",
        (now, turn.tenant, src, link.type, turn.tenant, link.dst),
    ).rowcount
    if ended:
        turn.tell(
            now, "unlink", actor, namespace=num, cube=link.src,
            detail={"type": link.type, "dst": link.dst},
        )  # fmt: skip
    return bool(ended)


def retire_of(turn: Turn, cube: int, now: int) -> None:
    """End all links from and to a cube."""
    turn.connection.execute(
        "UPDATE links SET retired_at = %s "
        "WHERE tenant = %s AND retired_at IS NULL AND (src = %s OR dst = %s)",
        (now, turn.tenant, cube, cube),
    )


def read(
    connection: Connection[Any], tenant: int, scope: str, id: str, as_of: int | None
) -> list[Link]:
    """Links from and to a cube whose both ends lie in the scope."""
    inside = f"IN (SELECT num FROM namespaces WHERE tenant = %s AND {INSIDE})"
    within = (tenant, *paths.bounds(scope))
    rows = connection.execute(
        "SELECT s.id, l.type, d.id, l.weight, l.metadata, l.recorded_at FROM links l "
        "JOIN cubes s ON s.tenant = l.tenant AND s.num = l.src "
        "JOIN cubes d ON d.tenant = l.tenant AND d.num = l.dst "
        "WHERE l.tenant = %s AND %s IN (s.id, d.id) "
        f"AND s.namespace {inside} AND d.namespace {inside} "
        f"AND {_living('l.recorded_at', 'l.retired_at', as_of)} ORDER BY l.num",
        (tenant, id, *within, *within),
    )
    return [_link(row) for row in rows]


def edges(
    connection: Connection[Any], tenant: int, rows: Sequence[int], as_of: int | None
) -> list[tuple[int, int, float, str]]:
    """(row, row, weight, type) of links, and of derived versions and their sources, that touch
    some versions: between versions that are current, or were at a moment."""
    live = _living("l.recorded_at", "l.retired_at", as_of)
    ends = " AND ".join(_living(f"{v}.recorded_at", f"{v}.retired_at", as_of) for v in "sd")
    joined = (
        "SELECT s.row, d.row, l.weight, l.type FROM links l "
        "JOIN versions s ON s.tenant = l.tenant AND s.cube = l.src "
        "JOIN versions d ON d.tenant = l.tenant AND d.cube = l.dst "
        f"WHERE l.tenant = %(tenant)s AND {live} AND {ends} AND"
    )
    derived = (
        "SELECT s.row, d.row, 1.0::float8, 'source' FROM spans p "
        "JOIN versions s ON s.tenant = p.tenant AND s.row = p.row "
        "JOIN cubes c ON c.tenant = p.tenant AND c.id = p.cube JOIN versions d "
        "ON d.tenant = c.tenant AND d.cube = c.num AND d.version = p.version "
        f"WHERE p.tenant = %(tenant)s AND {ends} AND"
    )
    cubes = "(SELECT cube FROM touched)"
    # Each half by its own index; UNION leaves out what both find.
    query = (
        "WITH touched AS (SELECT v.cube, c.id FROM versions v JOIN cubes c ON c.tenant = v.tenant "
        "AND c.num = v.cube WHERE v.tenant = %(tenant)s AND v.row = ANY(%(rows)s)) "
        f"{joined} l.src IN {cubes} UNION {joined} l.dst IN {cubes} "
        f"UNION {derived} p.row = ANY(%(rows)s) "
        f"UNION {derived} p.cube IN (SELECT id FROM touched) ORDER BY 1, 2, 4"
    )
    return connection.execute(query, {"tenant": tenant, "rows": list(rows)}).fetchall()


def _living(since: str, until: str, as_of: int | None) -> str:
    if as_of is None:
        return f"{until} IS NULL"
    moment = int(as_of)
    return f"{since} <= {moment} AND ({until} IS NULL OR {until} > {moment})"


def _link(row: tuple[Any, ...]) -> Link:
    src, type, dst, weight, metadata, recorded_at = row
    return Link(src, type, dst, weight, json.loads(metadata or "{}"), from_micros(recorded_at))


def _current(turn: Turn, scope: str, id: str) -> tuple[int, int]:
    row = turn.connection.execute(
        "SELECT c.num, c.namespace FROM cubes c "
        "JOIN versions v ON v.tenant = c.tenant AND v.cube = c.num "
        "JOIN namespaces n ON n.tenant = c.tenant AND n.num = c.namespace "
        f"WHERE c.tenant = %s AND c.id = %s AND v.retired_at IS NULL AND {INSIDE}",
        (turn.tenant, id, *paths.bounds(scope)),
    ).fetchone()
    if row is None:
        raise NotFound(f"no current cube {id} in namespace {scope!r}")
    return row[0], row[1]
