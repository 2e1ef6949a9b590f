"""Bringing a database to the newest layout, safe when several replicas start at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mnemon.errors import StoreCorrupt, StoreError, StoreReadOnly, StoreTooNew
from mnemon.instant import now_micros
from mnemon.store.migrations import scripts as numbered
from mnemon.store.postgres import citus
from mnemon.store.postgres.connecting import check_settings

if TYPE_CHECKING:
    from psycopg import Connection

_LOCK = 0x4D6E656D  # "Mnem"
_PACKAGE = "mnemon.store.postgres"


def scripts() -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration this version knows, in order."""
    return numbered(_PACKAGE)


def check(connection: Connection[Any], address: str) -> int:
    """The store's layout number; 0 for an empty schema.

    Raises:
        StoreTooNew: a newer Mnemon made it.
        StoreCorrupt: the tables there are another program's.
    """
    there = {name for (name,) in connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    )}  # fmt: skip
    if not there & {"migrations", "cubes", "store"}:
        return 0
    if "migrations" not in there or "counters" not in there:
        raise StoreCorrupt(
            f"{address} has tables of another program where Mnemon's would be: "
            "give Mnemon a database of its own"
        )
    found: int = _value(connection, "SELECT coalesce(max(number), 0) FROM migrations")
    known = len(scripts())
    if found > known:
        raise StoreTooNew(
            f"{address} has layout {found}, this Mnemon knows up to {known}: "
            "upgrade it (pip install -U mnemon); the store was not touched"
        )
    return found


def check_made(connection: Connection[Any], address: str) -> None:
    """See `check`; and raise StoreError for an empty schema, or an older layout."""
    found, known = check(connection, address), len(scripts())
    if found == 0:
        raise StoreError(f"{address} holds no memory yet: the first `mnemon add` makes it")
    if found < known:
        raise StoreError(
            f"{address} has layout {found}, this Mnemon reads {known}: open it once without "
            "read_only=True, which brings it up to date"
        )


def migrate(connection: Connection[Any], address: str) -> None:
    """Apply what is missing, each migration in a transaction. Who comes second waits and finds it
    done."""
    if check(connection, address) == len(scripts()):
        return
    for number, name, sql in scripts():
        with _alone(connection):
            if check(connection, address) < number:
                _apply(connection, number, name, sql)
    if citus.there(connection):
        with _alone(connection):
            citus.distribute(connection)


@contextmanager
def _alone(connection: Connection[Any]) -> Iterator[None]:
    """A transaction that no other replica migrates in."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()))", (_LOCK,))
        yield


def _apply(connection: Connection[Any], number: int, name: str, sql: str) -> None:
    connection.execute(sql, prepare=False)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations "
        "(number integer PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL)"
    )
    connection.execute("INSERT INTO migrations VALUES (%s, %s, %s)", (number, name, now_micros()))


def introduce(connection: Connection[Any], facts: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Write the facts of a new store where they are missing; those that it has."""
    with connection.transaction():
        connection.cursor().executemany(
            "INSERT INTO store VALUES (%s, %s) ON CONFLICT (key) DO NOTHING", facts
        )
    return told(connection)


def told(connection: Connection[Any]) -> dict[str, str]:
    """The store's facts."""
    return dict(connection.execute("SELECT key, value FROM store").fetchall())


def check_server(connection: Connection[Any], address: str, read_only: bool) -> None:
    """What no layout could make good.

    Raises:
        StoreError: the database's encoding is not UTF-8, the role is above row-level security, or
            a pooler allows no transactions or does not pass the address's settings on.
        StoreReadOnly: a write would be refused.
    """
    check_settings(connection, address)
    with connection.transaction():  # refused here, not in the first call
        encoding = _value(connection, "SHOW server_encoding")
    if encoding != "UTF8":
        raise StoreError(
            f"{address} is encoded in {encoding}: Mnemon needs a database made with ENCODING 'UTF8'"
        )
    role, above = connection.execute(
        "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchone() or ("?", True)
    if above:
        raise StoreError(
            f"{address}: the role {role!r} is above row-level security, which keeps tenants apart. "
            "Connect as a role of Mnemon's own: "
            "CREATE ROLE mnemon LOGIN; ALTER DATABASE … OWNER TO mnemon"
        )
    if not read_only and _value(connection, "SHOW transaction_read_only") == "on":
        raise StoreReadOnly(
            f"{address} takes no writes (a standby, or set to read only): "
            "use the primary, or open it with read_only=True"
        )


def _value(connection: Connection[Any], query: Any) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
