"""Inserting many rows by few statements.

Python's SQLite gives the interpreter's lock away at each row of `executemany`, and gets it back
when other threads let it. A statement of several rows does so once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

_MOST = 32  # rows of a statement


def insert(
    connection: sqlite3.Connection,
    table: str,
    rows: Sequence[tuple[Any, ...]],
    verb: str = "INSERT",
) -> None:
    """Insert rows of one length into a table (and its columns in brackets), as `verb` says."""
    start = 0
    while start < len(rows):
        # Powers of two, so that few statements are prepared, and each of them once.
        count = min(_MOST, 1 << (len(rows) - start).bit_length() - 1)
        part = rows[start : start + count]
        marks = f"({', '.join('?' * len(part[0]))})"
        connection.execute(
            f"{verb} INTO {table} VALUES {', '.join([marks] * count)}",
            [value for row in part for value in row],
        )
        start += count
