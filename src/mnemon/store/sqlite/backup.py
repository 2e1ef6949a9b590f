"""A copy of a store that others write to, of one moment, without the bytes of what is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mnemon.store.sqlite import artifacts, journal
from mnemon.store.sqlite.connection import translated


@dataclass(frozen=True, slots=True)
class Moment:
    """What a copy is of: the store's id, its newest journal entry and the stamp of it, and counts.
    `blobs` are the names of the files of large artifacts."""

    store: str
    sequence: int
    stamp: str | None
    cubes: int
    tombstones: int
    blobs: tuple[str, ...]


def copy(store: Path, to: Path) -> Moment:
    """Copy the database of a store to a new file, while readers and writers go on."""
    with _opened(store) as connection:
        connection.execute("VACUUM INTO ?", (str(to),))
    to.chmod(0o600)
    return moment(to)


def moment(store: Path) -> Moment:
    """What a store is now."""
    with _opened(store) as connection:
        seq = journal.last(connection)
        id, cubes, tombs = connection.execute(
            "SELECT (SELECT value FROM store WHERE key = 'id'), "
            "(SELECT count(*) FROM versions WHERE retired_at IS NULL), "
            "(SELECT count(*) FROM tombstones)"
        ).fetchone()
        blobs = connection.execute("SELECT blob FROM artifacts WHERE blob IS NOT NULL")
        names = tuple(name for (name,) in blobs)
        return Moment(id, seq, journal.stamp(connection, seq), cubes, tombs, names)


def stamp(store: Path) -> str | None:
    """What tells a store, and how far its journal has come, from any other."""
    with _opened(store) as connection:
        return journal.stamp(connection, journal.last(connection))


def leave_out(store: Path, blobs: Collection[str]) -> None:
    """Take artifacts out of a copy whose files were swept before they could be copied. They are
    derived: they can be made again."""
    with _opened(store) as connection:
        keys = [
            key
            for key, blob in connection.execute("SELECT key, blob FROM artifacts").fetchall()
            if blob in blobs
        ]
        connection.execute("BEGIN")
        artifacts.drop(connection, keys)
        connection.execute("COMMIT")


def settle(store: Path) -> None:
    """Give a copy the write-ahead log that a store works with; copying leaves it out."""
    with _opened(store) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def tombstones(store: Path) -> dict[str, int]:
    """Ids of purged cubes, and when they were purged, in microseconds since 1970."""
    with _opened(store) as connection:
        return dict(connection.execute("SELECT id, purged_at FROM tombstones").fetchall())


@contextmanager
def _opened(store: Path) -> Iterator[sqlite3.Connection]:
    with translated(str(store)):
        name = f"{store.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(name, uri=True, timeout=30.0, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()
