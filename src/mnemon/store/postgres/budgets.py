"""Budgets: how many bytes a namespace may hold in a compiled form. The scheduler keeps to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import Budget

if TYPE_CHECKING:
    from psycopg import Connection


def known(connection: Connection[Any]) -> list[Budget]:
    """All of them by path and form."""
    rows = connection.execute("SELECT path, form, bytes FROM budgets ORDER BY path, form")
    return [Budget(*row) for row in rows.fetchall()]


def put(turn: Turn, one: Budget) -> None:
    """Set one."""
    turn.connection.execute(
        "INSERT INTO budgets (tenant, path, form, bytes) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (tenant, path, form) DO UPDATE SET bytes = excluded.bytes",
        (turn.tenant, one.namespace, one.form, one.bytes),
    )


def remove(turn: Turn, path: str) -> bool:
    """Whether a namespace had any."""
    done = turn.connection.execute(
        "DELETE FROM budgets WHERE tenant = %s AND path = %s", (turn.tenant, path)
    )
    return done.rowcount > 0
