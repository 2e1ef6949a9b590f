"""Whole cubes out and in: every version with its own times, for the portable file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from mnemon import analysis
from mnemon import namespace as paths
from mnemon.store.cubes import digest
from mnemon.store.rows import Vectors
from mnemon.store.sqlite import journal, quotas, vectors, words, writing

VERSION_FIELDS = (
    "version", "kind", "speaker", "session", "valid_from", "valid_to", "recorded_at", "retired_at",
    "readers", "writers", "retain_until", "compile", "producer", "source", "confidence", "metadata",
    "content",
)  # fmt: skip
_JSON_FIELDS = ("readers", "writers", "metadata")
_DEFAULTS = {"compile": 1, "confidence": 1.0}
_USAGE_FIELDS = ("reads", "last_read", "helpful", "unhelpful", "strength")
_LINK_FIELDS = ("src", "type", "dst", "weight", "metadata", "recorded_at", "retired_at")


def dump(connection: sqlite3.Connection, scope: str | None) -> Iterator[dict[str, Any]]:
    """Records of a scope (or of the whole store): cubes, then links, then tombstones."""
    inside, values = _inside(scope)
    cubes = connection.execute(
        "SELECT c.num, c.id, n.path, c.key FROM cubes c JOIN namespaces n ON n.num = c.namespace "
        f"WHERE c.namespace IN {inside} ORDER BY c.num",
        values,
    )
    for num, id, path, key in cubes:
        yield {
            "cube": id,
            "namespace": path,
            "key": key,
            "versions": _versions(connection, num),
            "usage": _usage(connection, num),
        }
    for row in connection.execute(
        "SELECT s.id, l.type, d.id, l.weight, l.metadata, l.recorded_at, l.retired_at FROM links l "
        "JOIN cubes s ON s.num = l.src JOIN cubes d ON d.num = l.dst "
        f"WHERE s.namespace IN {inside} AND d.namespace IN {inside} ORDER BY l.num",
        (*values, *values),
    ):
        link = dict(zip(_LINK_FIELDS, row, strict=True))
        yield {"link": {**link, "metadata": json.loads(link["metadata"] or "null")}}
    if scope is None:
        for id, purged_at in connection.execute("SELECT id, purged_at FROM tombstones"):
            yield {"tombstone": id, "purged_at": purged_at}


def _inside(scope: str | None) -> tuple[str, tuple[str, ...]]:
    if scope is None:
        return "(SELECT num FROM namespaces)", ()
    return (
        "(SELECT num FROM namespaces WHERE path = ? OR (path >= ? AND path < ?))",
        paths.bounds(scope),
    )


def _versions(connection: sqlite3.Connection, num: int) -> list[dict[str, Any]]:
    found = []
    for row, *fields in connection.execute(
        f"SELECT row, {', '.join(VERSION_FIELDS)} FROM versions WHERE cube = ? ORDER BY version",
        (num,),
    ).fetchall():
        version = dict(zip(VERSION_FIELDS, fields, strict=True))
        for name in _JSON_FIELDS:
            version[name] = json.loads(version[name]) if version[name] else None
        version["spans"] = connection.execute(
            'SELECT cube, version, "start", "end" FROM spans WHERE row = ? ORDER BY position',
            (row,),
        ).fetchall()
        found.append(version)
    return found


def _usage(connection: sqlite3.Connection, num: int) -> dict[str, Any] | None:
    row = connection.execute(
        f"SELECT {', '.join(_USAGE_FIELDS)} FROM usage WHERE cube = ?", (num,)
    ).fetchone()
    return dict(zip(_USAGE_FIELDS, row, strict=True)) if row else None


def unknown(connection: sqlite3.Connection, ids: Sequence[str]) -> tuple[set[str], set[str]]:
    """Of some cube ids: those neither present nor purged, and those purged."""
    listed = json.dumps(list(ids))
    chosen = "WHERE id IN (SELECT value FROM json_each(?))"
    there = {id for (id,) in connection.execute(f"SELECT id FROM cubes {chosen}", (listed,))}
    dead = {id for (id,) in connection.execute(f"SELECT id FROM tombstones {chosen}", (listed,))}
    return set(ids) - there - dead, dead


def restore(
    connection: sqlite3.Connection,
    records: Sequence[dict[str, Any]],
    made: Vectors | None,
    actor: str,
    now: int,
) -> int:
    """Write dumped cubes with all their versions; how many. `made` has a row for each version."""
    done = position = 0
    wanted, _ = unknown(connection, [record["cube"] for record in records])
    for record in records:
        count = len(record["versions"])
        if record["cube"] in wanted:
            wanted.discard(record["cube"])
            positions = range(position, position + count)
            done += _restore_one(connection, record, made, positions, now)
        position += count
    if done:
        num = writing.namespace_number(connection, records[0]["namespace"])
        journal.write(connection, now, "import", actor, namespace=num, detail={"cubes": done})
    return done


def _restore_one(
    connection: sqlite3.Connection,
    record: dict[str, Any],
    made: Vectors | None,
    positions: range,
    now: int,
) -> bool:
    if _outlived(connection, record, now):
        return False
    num = writing.namespace_number(connection, record["namespace"])
    if record.get("key") and writing.known_keys(connection, num, [record["key"]]):
        return False  # the same entry was imported here under another id
    cube = connection.execute(
        "INSERT INTO cubes (id, namespace, key) VALUES (?, ?, ?)",
        (record["cube"], num, record.get("key")),
    ).lastrowid
    first = writing.next_row(connection)
    for row, version in enumerate(record["versions"], start=first):
        _restore_version(connection, row, cube or 0, num, version)
    quotas.check(connection, num)
    if made is not None:
        places = [(num, first + i) for i in range(len(record["versions"]))]
        vectors.insert(connection, made.space, places, made.matrix[positions])
    if record.get("usage"):
        values = [record["usage"].get(name) for name in _USAGE_FIELDS]
        connection.execute("INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?)", (cube, *values))
    return True


def _outlived(connection: sqlite3.Connection, record: dict[str, Any], now: int) -> bool:
    """Whether a dumped cube was made from one that is purged here (then it is buried with it), or
    is a method's and still current though its source is not."""
    spans = [span for version in record["versions"] for span in version.get("spans") or ()]
    if any(writing.is_purged(connection, span[0]) for span in spans):
        bury(connection, record["cube"], now)
        return True
    last = record["versions"][-1]
    if last.get("retired_at") is not None or not last["producer"].startswith("method:"):
        return False
    for id, version, *_ in last.get("spans") or ():
        known, current = writing.latest(connection, id)
        if known is not None and current != version:
            return True
    return False


def _restore_version(
    connection: sqlite3.Connection, row: int, cube: int, num: int, version: dict[str, Any]
) -> None:
    terms = analysis.terms(version["content"])
    values = [_stored(name, version.get(name)) for name in VERSION_FIELDS]
    connection.execute(
        "INSERT INTO versions (row, cube, namespace, length, asks, digest, "
        f"{', '.join(VERSION_FIELDS)}) "
        f"VALUES (?, ?, ?, ?, ?, ?{', ?' * len(VERSION_FIELDS)})",
        (
            row,
            cube,
            num,
            len(terms),
            analysis.asks(version["content"]),
            digest(version["content"]),
            *values,
        ),
    )
    words.insert(connection, num, [(row, terms)])
    writing.name_speakers(connection, num, [version["speaker"]] if version.get("speaker") else [])
    connection.executemany(
        "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?)",
        [(row, i, *span) for i, span in enumerate(version.get("spans") or ())],
    )


def _stored(name: str, value: Any) -> Any:
    if name in _JSON_FIELDS:
        return json.dumps(value) if value else None
    return _DEFAULTS.get(name) if value is None else value


def restore_link(connection: sqlite3.Connection, link: dict[str, Any]) -> bool:
    """Write a dumped link, also an ended one; False if it is there already, or if an end is missing
    (or, for a live link, was forgotten here)."""
    values = [link.get(name) for name in _LINK_FIELDS[1:] if name != "dst"]
    type, weight, metadata, recorded_at, retired_at = values
    done = connection.execute(
        "INSERT OR IGNORE INTO links (src, type, dst, weight, metadata, recorded_at, retired_at) "
        "SELECT s.num, ?1, d.num, ?2, ?3, ?4, ?5 FROM cubes s, cubes d "
        "WHERE s.id = ?6 AND d.id = ?7 AND NOT EXISTS (SELECT 1 FROM links WHERE src = s.num "
        "AND dst = d.num AND type = ?1 AND recorded_at = ?4) "
        "AND (?5 IS NOT NULL OR 2 = (SELECT count(*) FROM (SELECT s.num UNION ALL SELECT d.num) e "
        "JOIN versions v ON v.cube = e.num AND v.retired_at IS NULL))",
        (type, weight, json.dumps(metadata) if metadata else None, recorded_at, retired_at,
         link["src"], link["dst"]),
    )  # fmt: skip
    return done.rowcount > 0


def bury(connection: sqlite3.Connection, id: str, purged_at: int) -> None:
    """Take over a tombstone, unless the cube lives here."""
    connection.execute(
        "INSERT OR IGNORE INTO tombstones SELECT ?, ? WHERE NOT EXISTS "
        "(SELECT 1 FROM cubes WHERE id = ?)",
        (id, purged_at, id),
    )


def restore_rest(connection: sqlite3.Connection, records: Sequence[dict[str, Any]]) -> int:
    """Write dumped links and tombstones; how many links were new."""
    done = 0
    for record in records:
        if "link" in record:
            done += restore_link(connection, record["link"])
        elif "tombstone" in record:
            bury(connection, record["tombstone"], record["purged_at"])
    return done
