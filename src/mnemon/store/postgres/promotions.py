"""Where aliases of adapters point, and ever pointed: lines that are only added."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mnemon import namespace as paths
from mnemon.errors import AliasMoved
from mnemon.instant import from_micros
from mnemon.store.postgres import writing
from mnemon.store.postgres.reading import INSIDE
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import Promotion

if TYPE_CHECKING:
    from psycopg import Connection


def known(
    connection: Connection[Any], tenant: int, scope: str, alias: str | None, model: str | None
) -> list[Promotion]:
    """All lines of a scope's aliases, oldest first."""
    rows = connection.execute(
        "SELECT path, alias, model, action, members, candidate, figures, why, actor, at, num "
        "FROM promotions WHERE tenant = %s AND (path = %s OR (path >= %s AND path < %s)) "
        "AND (%s::text IS NULL OR alias = %s) AND (%s::text IS NULL OR model = %s) ORDER BY num",
        (tenant, *paths.bounds(scope), alias, alias, model, model),
    )
    return [_line(*row) for row in rows.fetchall()]


def _line(
    path: str, alias: str, model: str, action: str, members: str, candidate: str, figures: str,
    why: str, actor: str, at: int, num: int,
) -> Promotion:  # fmt: skip
    return Promotion(
        path, alias, model, action, tuple(json.loads(members)), tuple(json.loads(candidate)),
        json.loads(figures), why, actor, from_micros(at), num,
    )  # fmt: skip


def write(turn: Turn, move: Promotion, expected: int, now: int) -> Promotion:
    """Add a line if the newest one of its alias is still `expected`.

    Raises:
        AliasMoved: it is another one.
    """
    found = turn.connection.execute(
        "SELECT coalesce(max(num), 0) FROM promotions "
        "WHERE tenant = %s AND path = %s AND alias = %s AND model = %s",
        (turn.tenant, move.namespace, move.alias, move.model),
    ).fetchone()
    newest = found[0] if found else 0
    if newest != expected:
        raise AliasMoved(move.alias, expected, newest)
    num = turn.number()
    turn.connection.execute(
        "INSERT INTO promotions (tenant, num, path, alias, model, action, members, candidate, "
        "figures, why, actor, at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (turn.tenant, num, move.namespace, move.alias, move.model, move.action,
         json.dumps(move.members), json.dumps(move.candidate),
         json.dumps(move.figures, sort_keys=True), move.why, move.actor, now),
    )  # fmt: skip
    turn.tell(
        now, move.action, move.actor, namespace=writing.namespace_number(turn, move.namespace),
        detail={"alias": move.alias, "model": move.model, "members": len(move.members)},
    )  # fmt: skip
    return replace(move, at=from_micros(now), num=num)


def outcomes(
    connection: Connection[Any], tenant: int, scope: str, keys: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """(helpful, unhelpful) judgements of artifacts of a scope by key."""
    rows = connection.execute(
        "SELECT a.key, a.helpful, a.unhelpful FROM artifacts a "
        "JOIN namespaces n ON n.tenant = a.tenant AND n.num = a.namespace "
        f"WHERE a.tenant = %s AND a.key = ANY(%s) AND {INSIDE}",
        (tenant, list(keys), *paths.bounds(scope)),
    )
    return {key: (helpful, unhelpful) for key, helpful, unhelpful in rows.fetchall()}
