"""Places where bytes of artifacts may lie, and the outbox of what is to be removed from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon.identity import new_id
from mnemon.store.rows import Place, Waiting

if TYPE_CHECKING:
    from psycopg import Connection


def known(connection: Connection[Any]) -> list[Place]:
    """All places, those that were added first first."""
    rows = connection.execute("SELECT num, address, host, mark FROM places ORDER BY num")
    return [Place(*row) for row in rows.fetchall()]


def add(connection: Connection[Any], address: str, host: str | None, mark: str) -> Place:
    """The place of that address; made if there is none, or with its new mark."""
    row = connection.execute(
        "INSERT INTO places (address, host, mark) VALUES (%s, %s, %s) "
        "ON CONFLICT (address, coalesce(host, '')) DO UPDATE SET mark = excluded.mark "
        "RETURNING num, address, host, mark",
        (address, host, mark),
    ).fetchone()
    assert row is not None
    return Place(*row)


def leave(connection: Connection[Any], num: int) -> int:
    """Take a place out; how many removals went undone with it."""
    undone = connection.execute("DELETE FROM removals WHERE place = %s", (num,)).rowcount
    connection.execute("DELETE FROM places WHERE num = %s", (num,))
    return undone


def expect(connection: Connection[Any], tenant: int, nums: Sequence[int]) -> None:
    """Note that the bytes of artifacts, which are about to be deleted, go from everywhere."""
    if connection.execute("SELECT 1 FROM places LIMIT 1").fetchone() is None:
        return
    connection.execute(
        "INSERT INTO removals (tenant, place, key, deletion) SELECT a.tenant, p.num, a.key, %s "
        "FROM artifacts a CROSS JOIN places p WHERE a.tenant = %s AND a.num = ANY(%s) "
        "AND a.payload IS NULL ON CONFLICT DO NOTHING",
        (new_id(), tenant, list(nums)),
    )


def waiting(connection: Connection[Any]) -> list[Waiting]:
    """What is to be removed, by place and deletion."""
    rows = connection.execute(
        "SELECT place, deletion, array_agg(key ORDER BY key), min(coalesce(tried_at, 0)) "
        "FROM removals GROUP BY place, deletion ORDER BY place, deletion"
    ).fetchall()
    places = {place.num: place for place in known(connection)} if rows else {}
    return [
        Waiting(places[num], deletion, tuple(keys), at)
        for num, deletion, keys, at in rows
        if num in places
    ]


def done(connection: Connection[Any], one: Waiting) -> None:
    """The bytes of a deletion are gone from a place."""
    connection.execute(
        "DELETE FROM removals WHERE place = %s AND deletion = %s", (one.place.num, one.deletion)
    )


def tried(connection: Connection[Any], num: int, now: int) -> None:
    """A place could not be reached."""
    connection.execute("UPDATE removals SET tried_at = %s WHERE place = %s", (now, num))


def withdraw(connection: Connection[Any], tenant: int, key: str) -> None:
    """A key is published again: its bytes stay."""
    connection.execute("DELETE FROM removals WHERE tenant = %s AND key = %s", (tenant, key))


def unknown(connection: Connection[Any], keys: Sequence[str]) -> set[str]:
    """Those of some keys that no artifact has."""
    rows = connection.execute("SELECT key FROM artifacts WHERE key = ANY(%s)", (list(keys),))
    return set(keys).difference(key for (key,) in rows.fetchall())
