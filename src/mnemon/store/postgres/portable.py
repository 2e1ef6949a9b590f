"""Whole cubes out and in: every version with its own times, for the portable file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mnemon import analysis
from mnemon import namespace as paths
from mnemon.store.cubes import digest
from mnemon.store.postgres import keyed, quotas, vectors, words, writing
from mnemon.store.postgres.reading import INSIDE, spans_of
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import Vectors

if TYPE_CHECKING:
    from psycopg import Connection

VERSION_FIELDS = (
    "version", "kind", "speaker", "session", "valid_from", "valid_to", "recorded_at", "retired_at",
    "readers", "writers", "retain_until", "compile", "producer", "source", "confidence", "metadata",
    "content",
)  # fmt: skip
_JSON_FIELDS = ("readers", "writers", "metadata")
_USAGE_FIELDS = ("reads", "last_read", "helpful", "unhelpful", "strength")
_LINK_FIELDS = ("src", "type", "dst", "weight", "metadata", "recorded_at", "retired_at")
_PART = 500


def dump(
    connection: Connection[Any], tenant: int | None, scope: str | None
) -> Iterator[dict[str, Any]]:
    """Records of a scope (or of the whole store): cubes, then links, then tombstones."""
    inside, values = "true", ()
    if scope is not None:
        inside, values = f"n.tenant = %s AND {INSIDE}", (tenant, *paths.bounds(scope))  # type: ignore[assignment]
    with connection.cursor(name="cubes") as cursor:
        cursor.execute(
            "SELECT c.tenant, c.num, c.id, n.path, c.key FROM cubes c "
            "JOIN namespaces n ON n.tenant = c.tenant AND n.num = c.namespace "
            f"WHERE {inside} ORDER BY c.tenant, c.num",
            values,
        )
        while part := cursor.fetchmany(_PART):
            yield from _cubes(connection, part)
    # Both ends of a link lie in one tenant, but may lie in different namespaces of it.
    there = inside.replace("n.", "m.").replace("path", "m.path")
    with connection.cursor(name="links") as cursor:
        cursor.execute(
            "SELECT s.id, l.type, d.id, l.weight, l.metadata, l.recorded_at, l.retired_at "
            "FROM links l JOIN cubes s ON s.tenant = l.tenant AND s.num = l.src "
            "JOIN cubes d ON d.tenant = l.tenant AND d.num = l.dst "
            "JOIN namespaces n ON n.tenant = s.tenant AND n.num = s.namespace "
            "JOIN namespaces m ON m.tenant = d.tenant AND m.num = d.namespace "
            f"WHERE {inside.replace('path', 'n.path')} AND {there} ORDER BY l.tenant, l.num",
            (*values, *values),
        )
        for row in cursor:
            link = dict(zip(_LINK_FIELDS, row, strict=True))
            yield {"link": {**link, "metadata": json.loads(link["metadata"] or "null")}}
    if scope is None:
        for id, purged_at in connection.execute(
            "SELECT id, purged_at FROM directory WHERE purged_at IS NOT NULL ORDER BY id"
        ).fetchall():
            yield {"tombstone": id, "purged_at": purged_at}


def _cubes(
    connection: Connection[Any], part: Sequence[tuple[Any, ...]]
) -> Iterator[dict[str, Any]]:
    for tenant in dict.fromkeys(row[0] for row in part):
        mine = [row[1:] for row in part if row[0] == tenant]
        nums = [num for num, *_ in mine]
        versions = _versions(connection, tenant, nums)
        usage = _usage(connection, tenant, nums)
        for num, id, path, key in mine:
            yield {
                "cube": id,
                "namespace": path,
                "key": key,
                "versions": versions[num],
                "usage": usage.get(num),
            }


def _versions(
    connection: Connection[Any], tenant: int, nums: list[int]
) -> dict[int, list[dict[str, Any]]]:
    rows = connection.execute(
        f"SELECT cube, row, {', '.join(VERSION_FIELDS)} FROM versions "
        "WHERE tenant = %s AND cube = ANY(%s) ORDER BY cube, version",
        (tenant, nums),
    ).fetchall()
    spans = spans_of(connection, tenant, [row for _, row, *_ in rows])
    found: dict[int, list[dict[str, Any]]] = {}
    for cube, row, *fields in rows:
        version = dict(zip(VERSION_FIELDS, fields, strict=True))
        for name in _JSON_FIELDS:
            version[name] = json.loads(version[name]) if version[name] else None
        version["compile"] = int(version["compile"])  # as every store's file says it
        version["spans"] = spans.get(row, [])
        found.setdefault(cube, []).append(version)
    return found


def _usage(connection: Connection[Any], tenant: int, nums: list[int]) -> dict[int, dict[str, Any]]:
    rows = connection.execute(
        f"SELECT cube, {', '.join(_USAGE_FIELDS)} FROM usage WHERE tenant = %s AND cube = ANY(%s)",
        (tenant, nums),
    )
    return {cube: dict(zip(_USAGE_FIELDS, values, strict=True)) for cube, *values in rows}


def unknown(connection: Connection[Any], ids: Sequence[str]) -> tuple[set[str], set[str]]:
    """Of some cube ids: those neither present nor purged, and those purged."""
    rows = connection.execute(
        "SELECT id, purged_at IS NOT NULL FROM directory WHERE id = ANY(%s)", (list(ids),)
    ).fetchall()
    dead = {id for id, purged in rows if purged}
    return set(ids) - {id for id, _ in rows}, dead


def restore(
    turn: Turn,
    records: Sequence[tuple[int, dict[str, Any]]],
    made: Vectors | None,
    actor: str,
    now: int,
) -> int:
    """Write a tenant's dumped cubes with all their versions; how many. Each comes with where its
    versions begin in `made`."""
    done = 0
    wanted = {record["cube"] for _, record in records}
    held = turn.connection.execute(
        "SELECT id FROM directory WHERE id = ANY(%s)", (list(wanted),)
    ).fetchall()
    wanted -= {id for (id,) in held}
    space = None if made is None else vectors.space_number(turn.connection, made)
    for position, record in records:
        if record["cube"] in wanted:
            wanted.discard(record["cube"])
            done += _restore_one(turn, record, made, space, position, now)
    if done:
        num = writing.namespace_number(turn, records[0][1]["namespace"])
        turn.tell(now, "import", actor, namespace=num, detail={"cubes": done})
    return done


def _restore_one(
    turn: Turn,
    record: dict[str, Any],
    made: Vectors | None,
    space: int | None,
    position: int,
    now: int,
) -> bool:
    if _outlived(turn, record, now):
        return False
    num = writing.namespace_number(turn, record["namespace"])
    key = record.get("key")
    if key and keyed.known_keys(turn.connection, turn.tenant, num, [key]):
        return False  # the same entry was imported here under another id
    rows = turn.rows(len(record["versions"]))
    with turn.connection.pipeline():
        writing.insert_cubes(turn, num, [(rows[0], record["cube"], key)])
        for row, version in zip(rows, record["versions"], strict=True):
            _restore_version(turn, row, rows[0], num, version)
        quotas.gain(turn, rows)
        if made is not None and space is not None:
            positions = range(position, position + len(rows))
            vectors.insert(turn.connection, turn.tenant, num, space, rows, made, positions)
        if record.get("usage"):
            values = [record["usage"].get(name) for name in _USAGE_FIELDS]
            turn.connection.execute(
                f"INSERT INTO usage (tenant, cube, {', '.join(_USAGE_FIELDS)}) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (turn.tenant, rows[0], *values),
            )
    quotas.check(turn, num)
    return True


def _outlived(turn: Turn, record: dict[str, Any], now: int) -> bool:
    """Whether a dumped cube was made from one that is purged here (then it is buried with it), or
    is a method's and still current though its source is not."""
    spans = [span for version in record["versions"] for span in version.get("spans") or ()]
    if any(writing.is_purged(turn, span[0]) for span in spans):
        turn.connection.execute(
            "INSERT INTO directory (id, tenant, purged_at) VALUES (%s, %s, %s)",
            (record["cube"], turn.tenant, now),
        )
        return True
    last = record["versions"][-1]
    if last.get("retired_at") is not None or not last["producer"].startswith("method:"):
        return False
    for id, version, *_ in last.get("spans") or ():
        known, current = writing.latest(turn, id)
        if known is not None and current != version:
            return True
    return False


def _restore_version(turn: Turn, row: int, cube: int, num: int, version: dict[str, Any]) -> None:
    terms = analysis.terms(version["content"])
    fields = ("tenant", "row", "cube", "namespace", "length", "asks", "digest", *VERSION_FIELDS)
    turn.connection.execute(
        f"INSERT INTO versions ({', '.join(fields)}) VALUES ({', '.join(['%s'] * len(fields))})",
        (
            turn.tenant,
            row,
            cube,
            num,
            len(terms),
            analysis.asks(version["content"]),
            digest(version["content"]),
            *(_stored(name, version.get(name)) for name in VERSION_FIELDS),
        ),
    )
    words.insert(turn, num, [(row, terms)])
    writing.name_speakers(turn, num, [version["speaker"]] if version.get("speaker") else [])
    writing.write_spans(turn, row, version.get("spans") or ())


def _stored(name: str, value: Any) -> Any:
    if name in _JSON_FIELDS:
        return json.dumps(value) if value else None
    if name == "compile":
        return value is None or bool(value)
    return 1.0 if name == "confidence" and value is None else value


def restore_links(turn: Turn, links: Sequence[dict[str, Any]]) -> int:
    """Write dumped links, also ended ones; how many were new. Passed over: one that is there
    already, or of which an end is missing (or, for a live link, was forgotten here)."""
    done = 0
    for link in links:
        values = {name: link.get(name) for name in _LINK_FIELDS}
        metadata = json.dumps(values["metadata"]) if values["metadata"] else None
        done += turn.connection.execute(
            "INSERT INTO links (tenant, num, src, type, dst, weight, metadata, recorded_at, "
            "retired_at) SELECT %(tenant)s, %(num)s, s.num, %(type)s, d.num, %(weight)s, "
            "%(metadata)s, %(recorded_at)s, %(retired_at)s FROM cubes s, cubes d "
            "WHERE s.tenant = %(tenant)s AND s.id = %(src)s "
            "AND d.tenant = %(tenant)s AND d.id = %(dst)s AND NOT EXISTS (SELECT 1 FROM links l "
            "WHERE l.tenant = %(tenant)s AND l.src = s.num AND l.dst = d.num "
            "AND l.type = %(type)s AND l.recorded_at = %(recorded_at)s) "
            "AND (%(retired_at)s::bigint IS NOT NULL OR 2 = (SELECT count(*) "
            "FROM (VALUES (s.num), (d.num)) e (num) JOIN versions v ON v.tenant = %(tenant)s "
            "AND v.cube = e.num AND v.retired_at IS NULL)) ON CONFLICT DO NOTHING",
            {**values, "metadata": metadata, "tenant": turn.tenant, "num": turn.number()},
        ).rowcount
    return done


def bury(connection: Connection[Any], tombstones: Sequence[tuple[str, int]]) -> None:
    """Take over tombstones of cubes that were never here; the living stay alive."""
    connection.cursor().executemany(
        "INSERT INTO directory (id, tenant, purged_at) VALUES (%s, 0, %s) ON CONFLICT DO NOTHING",
        tombstones,
    )
