"""Writing cubes: new versions and retirement. Runs inside the writer's transaction.

A cube, its words, its vector and its journal entry are written together or not at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from mnemon.errors import NotFound, VersionConflict
from mnemon.store.cubes import SAID, values_of
from mnemon.store.rows import NewCube, Vectors
from mnemon.store.sqlite import journal, links, quotas, vectors, words
from mnemon.store.sqlite.inserting import insert

VERSION = (
    "versions (row, cube, version, namespace, kind, speaker, session, valid_from, "
    "valid_to, recorded_at, length, asks, readers, writers, retain_until, compile, producer, "
    "source, confidence, digest, metadata, content)"
)
"""The table and its columns, the last ones as `values_of` gives them."""


def namespace_number(connection: sqlite3.Connection, path: str) -> int:
    """The number of a namespace, made on first use."""
    row = connection.execute("SELECT num FROM namespaces WHERE path = ?", (path,)).fetchone()
    if row:
        return int(row[0])
    return int(
        connection.execute("INSERT INTO namespaces (path) VALUES (?)", (path,)).lastrowid or 0
    )


def latest(connection: sqlite3.Connection, id: str) -> tuple[int | None, int | None]:
    """(latest version, current version) of a cube; None for what there is not."""
    found: tuple[int | None, int | None] = connection.execute(
        "SELECT max(v.version), max(v.version) FILTER (WHERE v.retired_at IS NULL) "
        "FROM versions v JOIN cubes c ON c.num = v.cube WHERE c.id = ?",
        (id,),
    ).fetchone()
    return found


def _check_current(
    connection: sqlite3.Connection, ids: Sequence[str], expected: int | None
) -> None:
    """Raise unless the one id's current version is `expected`; None asks for nothing.

    Raises:
        VersionConflict: it has another version.
        NotFound: it was forgotten or purged in between.
    """
    check_latest(connection, ids, expected)
    if expected is not None and latest(connection, ids[0])[1] is None:
        raise NotFound(f"cube {ids[0]} is gone: it was forgotten meanwhile")


def check_latest(connection: sqlite3.Connection, ids: Sequence[str], expected: int | None) -> None:
    """The same for its latest version, which may be a forgotten one."""
    if expected is None:
        return
    (id,) = ids
    known, _ = latest(connection, id)
    if known is None:
        raise NotFound(f"cube {id} is gone: it was purged meanwhile")
    if known != expected:
        raise VersionConflict(id, expected, known)


def is_purged(connection: sqlite3.Connection, id: str) -> bool:
    """Whether a cube was deleted for good."""
    return bool(connection.execute("SELECT 1 FROM tombstones WHERE id = ?", (id,)).fetchone())


def known_keys_of(
    connection: sqlite3.Connection, namespace: str, keys: Sequence[str]
) -> dict[str, str]:
    """`known_keys` of a namespace by its path."""
    row = connection.execute("SELECT num FROM namespaces WHERE path = ?", (namespace,)).fetchone()
    return known_keys(connection, row[0], keys) if row else {}


def known_keys(
    connection: sqlite3.Connection, num: int, keys: Sequence[str | None]
) -> dict[str, str]:
    """Which idempotency keys a namespace has already, with their cubes' ids."""
    if not keys:
        return {}
    rows = connection.execute(
        "SELECT key, id FROM cubes WHERE namespace = ? AND key IN (SELECT value FROM json_each(?))",
        (num, json.dumps(keys)),
    )
    return dict(rows.fetchall())


def first_said(connection: sqlite3.Connection, ids: Sequence[str]) -> list[tuple[Any, ...]]:
    """(id, the columns of `SAID`) of cubes as they were added."""
    if not ids:
        return []
    return connection.execute(
        f"SELECT c.id, {', '.join(f'v.{name}' for name in SAID)} FROM cubes c "
        "JOIN versions v ON v.cube = c.num AND v.version = 1 "
        "WHERE c.id IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    ).fetchall()


def name_speakers(connection: sqlite3.Connection, num: int, speakers: Iterable[str]) -> None:
    """Remember who has spoken in a namespace."""
    connection.executemany(
        "INSERT OR IGNORE INTO speakers VALUES (?, ?)", [(num, name) for name in sorted(speakers)]
    )


def next_row(connection: sqlite3.Connection) -> int:
    """The next version row; rows are never used twice, not even after a purge."""
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'versions'").fetchone()
    return (last[0] if last else 0) + 1


def write_spans(connection: sqlite3.Connection, row: int, draft: NewCube) -> None:
    """Write the sources of a version."""
    connection.executemany(
        "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?)",
        [(row, i, s.cube, s.version, s.start, s.end) for i, s in enumerate(draft.spans)],
    )


def update(
    connection: sqlite3.Connection,
    id: str,
    expected: int,
    draft: NewCube,
    made: Vectors | None,
    actor: str,
    now: int,
    verb: str,
) -> int:
    """Write the next version of a cube if its latest one is still `expected`; its number.

    Raises:
        VersionConflict: someone else wrote a version in between.
        NotFound: the cube was purged in between.
    """
    latest = connection.execute(
        "SELECT v.row, v.cube, v.version, v.namespace, v.recorded_at, v.retired_at FROM versions v "
        "JOIN cubes c ON c.num = v.cube WHERE c.id = ? ORDER BY v.version DESC LIMIT 1",
        (id,),
    ).fetchone()
    if latest is None:
        raise NotFound(f"cube {id} is gone: it was purged meanwhile")
    row, cube, version, num, recorded_at, retired_at = latest
    if version != expected:
        raise VersionConflict(id, expected, version)
    now = max(now, recorded_at + 1, (retired_at or 0) + 1)
    if retired_at is None:
        connection.execute("UPDATE versions SET retired_at = ? WHERE row = ?", (now, row))
    new_row = next_row(connection)
    values = (new_row, cube, version + 1, num, *values_of(draft, now))
    insert(connection, VERSION, [values])
    name_speakers(connection, num, {draft.speaker} if draft.speaker else ())
    retire(connection, ending(connection, [id])[1:], actor, now)
    quotas.check(connection, num)
    if draft.spans:
        write_spans(connection, new_row, draft)
    words.insert(connection, num, [(new_row, draft.terms)])
    if made is not None:
        vectors.insert(connection, made.space, [(num, new_row)], made.matrix[:1])
    journal.write(connection, now, verb, actor, namespace=num, cube=id, version=version + 1)
    return int(version) + 1


def retire(
    connection: sqlite3.Connection,
    ids: Sequence[str],
    actor: str,
    now: int,
    expected: int | None = None,
) -> list[str]:
    """End the current version of cubes (and their links); the ids that were still current.

    The past keeps them: `as_of`, `history` and `restore` still reach them until a purge. What
    methods derived from them ends with them.
    """
    _check_current(connection, ids, expected)
    ended = ending(connection, ids)
    for id in ended:
        row = connection.execute(
            "SELECT v.row, v.cube, v.version, v.namespace, v.recorded_at FROM versions v "
            "JOIN cubes c ON c.num = v.cube WHERE c.id = ? AND v.retired_at IS NULL",
            (id,),
        ).fetchone()
        moment = max(now, row[4] + 1)
        connection.execute("UPDATE versions SET retired_at = ? WHERE row = ?", (moment, row[0]))
        links.retire_of(connection, row[1], moment)
        journal.write(
            connection, moment, "forget", actor, namespace=row[3], cube=id, version=row[2]
        )
    return ended


def ending(connection: sqlite3.Connection, ids: Sequence[str]) -> list[str]:
    """Those of some cubes that are current, then all that methods derived from them. A summary
    ends in the transaction that changes its source, so nobody ever reads one of what is no longer
    so; what people derived is theirs."""
    current = {
        id
        for (id,) in connection.execute(
            "SELECT c.id FROM cubes c JOIN versions v ON v.cube = c.num AND v.retired_at IS NULL "
            "WHERE c.id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
    }
    found = dict.fromkeys(id for id in ids if id in current)
    level = list(found)
    while level:
        made = connection.execute(
            "SELECT DISTINCT c.id FROM spans s JOIN versions v ON v.row = s.row "
            "JOIN cubes c ON c.num = v.cube WHERE s.cube IN (SELECT value FROM json_each(?)) "
            "AND v.retired_at IS NULL AND v.producer LIKE 'method:%' ORDER BY c.id",
            (json.dumps(level),),
        )
        level = [id for (id,) in made if id not in found]
        found.update(dict.fromkeys(level))
    return list(found)
