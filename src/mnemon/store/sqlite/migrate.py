"""Numbered one-way migrations: `migrations/NNNN_name.sql`, each in one transaction."""

from __future__ import annotations

import sqlite3
import time

from mnemon.errors import StoreBusy, StoreCorrupt, StoreTooNew
from mnemon.instant import now_micros
from mnemon.store.migrations import scripts as numbered
from mnemon.store.sqlite.connection import APPLICATION_ID

_PATIENCE_S = 30.0


def scripts() -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration this version knows, in order."""
    return numbered("mnemon.store.sqlite")


def check(connection: sqlite3.Connection, path: str) -> int:
    """The store's layout number; 0 for an empty file.

    Raises:
        StoreTooNew: a newer Mnemon made it.
        StoreCorrupt: a SQLite file that is no Mnemon store.
    """
    layout: int = connection.execute("PRAGMA user_version").fetchone()[0]
    known = len(scripts())
    if layout > known:
        raise StoreTooNew(
            f"{path} has layout {layout}, this Mnemon knows up to {known}: "
            "upgrade it (pip install -U mnemon); the store was not touched"
        )
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if application != APPLICATION_ID and not empty:
        raise StoreCorrupt(f"{path} is a SQLite file of another program, no Mnemon store")
    return layout


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring a store to the newest layout. Safe when several processes open a new file at once."""
    if _checked(connection, path) == len(scripts()):
        return
    _patiently(connection, "PRAGMA journal_mode = WAL", path)
    for number, name, sql in scripts():
        _patiently(connection, "BEGIN EXCLUSIVE", path)
        try:
            if check(connection, path) < number:
                _apply(connection, number, name, sql)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _checked(connection: sqlite3.Connection, path: str) -> int:
    # At one moment: between two looks another process may make the store.
    connection.execute("BEGIN")
    try:
        return check(connection, path)
    finally:
        connection.execute("ROLLBACK")


def _apply(connection: sqlite3.Connection, number: int, name: str, sql: str) -> None:
    for statement in _statements(sql):
        connection.execute(statement)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations "
        "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)"
    )
    connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (number, name, now_micros()))
    connection.execute(f"PRAGMA user_version = {number}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _statements(sql: str) -> list[str]:
    # executescript() would commit the transaction we are in, so split at complete statements.
    found, part = [], ""
    for line in sql.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            found.append(part)
            part = ""
    return found


def _patiently(connection: sqlite3.Connection, statement: str, path: str) -> None:
    # Switching to WAL does not call SQLite's busy handler: wait here instead.
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            if time.monotonic() > deadline:
                raise StoreBusy(f"{path} stayed locked for {_PATIENCE_S:.0f} s") from error
            time.sleep(0.01)
