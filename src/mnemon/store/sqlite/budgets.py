"""Budgets: how many bytes a namespace may hold in a compiled form. The scheduler keeps to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from mnemon.store.rows import Budget

_SINCE = 7  # the layout that has them: a store that is only read may be older


def known(connection: sqlite3.Connection) -> list[Budget]:
    """All of them by path and form."""
    if connection.execute("PRAGMA user_version").fetchone()[0] < _SINCE:
        return []
    rows = connection.execute("SELECT path, form, bytes FROM budgets ORDER BY path, form")
    return [Budget(*row) for row in rows]


def put(connection: sqlite3.Connection, budgets: Sequence[Budget]) -> None:
    """Set some."""
    rows = [(one.namespace, one.form, one.bytes) for one in budgets]
    connection.executemany("INSERT OR REPLACE INTO budgets VALUES (?, ?, ?)", rows)


def remove(connection: sqlite3.Connection, path: str) -> bool:
    """Whether a namespace had any."""
    return connection.execute("DELETE FROM budgets WHERE path = ?", (path,)).rowcount > 0
