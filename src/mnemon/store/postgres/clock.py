"""The database's clock, which machines have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
"""In SQL: microseconds since 1970. Not in the conditions of what changes rows: a distributed
database would refuse that."""


def moment(connection: Connection[Any]) -> int:
    """The database's clock, in microseconds since 1970."""
    row = connection.execute(f"SELECT {NOW}").fetchone()
    assert row is not None
    return int(row[0])
