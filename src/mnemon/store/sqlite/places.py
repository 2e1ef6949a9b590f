"""Places where bytes of artifacts may lie, and the outbox of what is to be removed from them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from mnemon.identity import new_id
from mnemon.store.rows import Place, Waiting
from mnemon.store.sqlite.freshness import has_parents


def known(connection: sqlite3.Connection) -> list[Place]:
    """All places, those that were added first first."""
    if not has_parents(connection):
        return []
    rows = connection.execute("SELECT num, address, host, mark FROM places ORDER BY num")
    return [Place(*row) for row in rows]


def add(connection: sqlite3.Connection, address: str, host: str | None, mark: str) -> Place:
    """The place of that address; made if there is none, or with its new mark."""
    connection.execute(
        "INSERT INTO places (address, host, mark) VALUES (?, ?, ?) "
        "ON CONFLICT (address, coalesce(host, '')) DO UPDATE SET mark = excluded.mark",
        (address, host, mark),
    )
    found = connection.execute(
        "SELECT num, address, host, mark FROM places WHERE address = ? AND host IS ?",
        (address, host),
    ).fetchone()
    return Place(*found)


def leave(connection: sqlite3.Connection, num: int) -> int:
    """Take a place out; how many removals went undone with it."""
    undone = connection.execute("DELETE FROM removals WHERE place = ?", (num,)).rowcount
    connection.execute("DELETE FROM places WHERE num = ?", (num,))
    return undone


def expect(connection: sqlite3.Connection, keys: Sequence[str]) -> None:
    """Note that the bytes of artifacts, which are about to be deleted, go from everywhere."""
    if connection.execute("SELECT 1 FROM places LIMIT 1").fetchone() is None:
        return
    connection.execute(
        "INSERT OR IGNORE INTO removals SELECT p.num, a.key, ?, NULL FROM artifacts a, places p "
        "WHERE a.key IN (SELECT value FROM json_each(?)) "
        "AND a.payload IS NULL AND a.blob IS NULL",
        (new_id(), json.dumps(list(keys))),
    )


def waiting(connection: sqlite3.Connection) -> list[Waiting]:
    """What is to be removed, by place and deletion."""
    if not has_parents(connection):
        return []
    keys: dict[tuple[int, str], list[str]] = {}
    tried: dict[tuple[int, str], int] = {}
    for place, key, deletion, at in connection.execute(
        "SELECT place, key, deletion, coalesce(tried_at, 0) FROM removals ORDER BY place, key"
    ):
        keys.setdefault((place, deletion), []).append(key)
        tried[place, deletion] = at
    places = {place.num: place for place in known(connection)} if keys else {}
    return [
        Waiting(places[num], deletion, tuple(some), tried[num, deletion])
        for (num, deletion), some in keys.items()
        if num in places
    ]


def done(connection: sqlite3.Connection, one: Waiting) -> None:
    """The bytes of a deletion are gone from a place."""
    connection.execute(
        "DELETE FROM removals WHERE place = ? AND deletion = ?", (one.place.num, one.deletion)
    )


def tried(connection: sqlite3.Connection, num: int, now: int) -> None:
    """A place could not be reached."""
    connection.execute("UPDATE removals SET tried_at = ? WHERE place = ?", (now, num))


def withdraw(connection: sqlite3.Connection, key: str) -> None:
    """A key is published again: its bytes stay."""
    connection.execute("DELETE FROM removals WHERE key = ?", (key,))


def unknown(connection: sqlite3.Connection, keys: Sequence[str]) -> set[str]:
    """Those of some keys that no artifact has."""
    rows = connection.execute(
        "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT key FROM artifacts)",
        (json.dumps(list(keys)),),
    )
    return {key for (key,) in rows}
