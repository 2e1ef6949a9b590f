"""Idempotency keys: which a namespace has, and what was first said under them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon.store.cubes import SAID
from mnemon.store.postgres.turn import Turn

if TYPE_CHECKING:
    from psycopg import Connection


def known_keys(
    connection: Connection[Any], tenant: int, num: int, keys: Sequence[str]
) -> dict[str, str]:
    """Which idempotency keys a namespace has already, with their cubes' ids."""
    if not keys:
        return {}
    rows = connection.execute(
        "SELECT key, id FROM cubes WHERE tenant = %s AND namespace = %s AND key = ANY(%s)",
        (tenant, num, list(keys)),
    )
    return dict(rows.fetchall())


def known_keys_of(
    connection: Connection[Any], tenant: int, namespace: str, keys: Sequence[str]
) -> dict[str, str]:
    """`known_keys` of a namespace by its path."""
    row = connection.execute(
        "SELECT num FROM namespaces WHERE tenant = %s AND path = %s", (tenant, namespace)
    ).fetchone()
    return known_keys(connection, tenant, row[0], keys) if row else {}


def first_said(turn: Turn, ids: Sequence[str]) -> dict[str, Sequence[Any]]:
    """The columns of `SAID` of cubes as they were added, by id."""
    if not ids:
        return {}
    rows = turn.connection.execute(
        f"SELECT c.id, {', '.join(f'v.{name}' for name in SAID)} FROM cubes c "
        "JOIN versions v ON v.tenant = c.tenant AND v.cube = c.num AND v.version = 1 "
        "WHERE c.tenant = %s AND c.id = ANY(%s)",
        (turn.tenant, list(ids)),
    )
    return {id: told for id, *told in rows}
