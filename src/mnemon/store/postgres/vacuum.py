"""VACUUM for a bounded time, without a setting of the session.

How long VACUUM waits for a lock is bounded by such a setting only, which behind a pooler would be
somebody else's. So it waits for nobody here and passes over what is locked; the waiting is done in
a transaction, which may have settings of its own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from psycopg import Connection

_PARTS = (
    "SELECT c.relname, t.relname FROM unnest(%s::text[]) AS given JOIN pg_class c "
    "ON c.oid = quote_ident(given)::regclass LEFT JOIN pg_class t ON t.oid = c.reltoastrelid"
)
_PAUSE_S = 0.02


def vacuumed(connection: Connection[Any], tables: Sequence[str], deadline: float) -> bool:
    """Take dead rows out of tables; False if a lock on one of them outlasts the deadline, a moment
    of time.monotonic()."""
    parts = connection.execute(_PARTS, (list(tables),)).fetchall()
    while True:
        done = _vacuum(connection, [table for table, _ in parts])
        # What lies outside a row (a long text) is a table that can be locked by itself.
        parts = [part for part in parts if not {*part} <= {*done, None}]
        if not parts:
            return True
        patience = deadline - time.monotonic()
        if patience <= 0 or not _awaited(connection, [table for table, _ in parts], patience):
            return False
        time.sleep(_PAUSE_S)


def _vacuum(connection: Connection[Any], tables: Sequence[str]) -> set[str]:
    """The names of what was not locked and is vacuumed: they are told at INFO, a level which no
    setting silences."""
    told: list[str] = []

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "INFO":
            told.append(notice.message_primary or "")

    options = "INDEX_CLEANUP ON, TRUNCATE OFF, SKIP_LOCKED, VERBOSE"
    connection.add_notice_handler(hear)
    try:
        connection.execute(f"VACUUM ({options}) {', '.join(tables)}", prepare=False)
    finally:
        connection.remove_notice_handler(hear)
    return {name for message in told for name in re.findall(r"\.(\w+)", message)}


def _awaited(connection: Connection[Any], tables: Sequence[str], patience: float) -> bool:
    """Wait until nobody has locked the tables: autovacuum gives way to who waits. False if it takes
    longer than the patience, in seconds."""
    names = ", ".join(sorted(tables))  # in one order, so that two never block each other
    try:
        with connection.transaction():
            connection.execute(
                f"SET LOCAL lock_timeout = '{max(1, int(patience * 1000))}ms'; "
                f"LOCK TABLE {names} IN SHARE UPDATE EXCLUSIVE MODE",
                prepare=False,
            )
    except psycopg.errors.LockNotAvailable:
        return False
    except psycopg.errors.DeadlockDetected:
        pass  # somebody else's order: to be tried again
    return True
