"""Writing cubes: add, new versions, retirement. Runs inside a writer's turn.

A cube, its words, its vector and its journal entry are written together or not at all. Whoever has
the turn sees all that was written in the tenant before, so what is looked up here stays true.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mnemon.errors import NotFound, VersionConflict
from mnemon.store.cubes import check_same, said, values_of
from mnemon.store.postgres import keyed, links, quotas, tenants, vectors, words
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import Added, NewCube, Vectors

if TYPE_CHECKING:
    from psycopg import Connection

_FIELDS = (
    "tenant", "row", "cube", "version", "namespace", "kind", "speaker", "session", "valid_from",
    "valid_to", "recorded_at", "length", "asks", "readers", "writers", "retain_until", "compile",
    "producer", "source", "confidence", "digest", "metadata", "content",
)  # fmt: skip
_VERSION = (
    f"INSERT INTO versions ({', '.join(_FIELDS)}) VALUES ({', '.join(['%s'] * len(_FIELDS))})"
)


def namespace_number(turn: Turn, path: str) -> int:
    """The number of a namespace, made on first use."""
    if path in turn.places:
        return turn.places[path]
    row = turn.connection.execute(
        "SELECT num FROM namespaces WHERE tenant = %s AND path = %s", (turn.tenant, path)
    ).fetchone()
    num = turn.places[path] = int(row[0]) if row else turn.namespace()
    if row:
        return num
    turn.connection.execute(
        "INSERT INTO namespaces (tenant, num, path) VALUES (%s, %s, %s)", (turn.tenant, num, path)
    )
    return num


def add(
    turn: Turn,
    namespace: str,
    drafts: Sequence[NewCube],
    made: Vectors | None,
    actor: str,
    now: int,
) -> list[Added]:
    """Write new cubes; a draft whose key is known in the namespace gives the cube that is there, or
    raises KeyReused if it says something else than that was added with."""
    num = namespace_number(turn, namespace)
    keys = [draft.key for draft in drafts if draft.key]
    known = keyed.known_keys(turn.connection, turn.tenant, num, keys)
    results: list[Added] = []
    fresh: list[int] = []
    first = keyed.first_said(turn, list(known.values()))
    for position, draft in enumerate(drafts):
        there = known.get(draft.key) if draft.key else None
        results.append(Added(there or draft.id, there is None, now))
        if there is None:
            fresh.append(position)
            if draft.key:
                known[draft.key], first[draft.id] = draft.id, said(draft)
        elif there in first:
            check_same(draft, there, first[there])
    if fresh:
        for position in fresh:
            _check_sources(turn, drafts[position])
        _insert(turn, num, [drafts[i] for i in fresh], fresh, made, now)
        quotas.check(turn, num)
        alone = drafts[fresh[0]].id if len(fresh) == 1 else None
        turn.tell(
            now, "add", actor, namespace=num, cube=alone,
            version=1 if alone else None, detail={"cubes": len(fresh)},
        )  # fmt: skip
    links.resolve(turn, num, [(results[i].id, d.links) for i, d in enumerate(drafts)], now)
    return results


def _check_sources(turn: Turn, draft: NewCube) -> None:
    # A late write must not bring back what was purged, nor may a method's summary begin stale.
    for span in draft.spans:
        known, current = latest(turn, span.cube)
        purged = known is None and is_purged(turn, span.cube)
        made = known is not None and draft.producer.startswith("method:")
        if purged or (made and current is None):
            raise NotFound(f"the source {span.cube} was forgotten meanwhile: derive it again")
        if made and current is not None and current != span.version:
            raise VersionConflict(span.cube, span.version, current)


def latest(turn: Turn, id: str) -> tuple[int | None, int | None]:
    """(latest version, current version) of a cube; None for what there is not."""
    found = turn.connection.execute(
        "SELECT max(v.version), max(v.version) FILTER (WHERE v.retired_at IS NULL) FROM versions v "
        "JOIN cubes c ON c.tenant = v.tenant AND c.num = v.cube WHERE c.tenant = %s AND c.id = %s",
        (turn.tenant, id),
    ).fetchone()
    return found or (None, None)


def _check_current(turn: Turn, ids: Sequence[str], expected: int | None) -> None:
    """Raise unless the one id's current version is `expected`; None asks for nothing.

    Raises:
        VersionConflict: it has another version.
        NotFound: it was forgotten or purged in between.
    """
    check_latest(turn, ids, expected)
    if expected is not None and latest(turn, ids[0])[1] is None:
        raise NotFound(f"cube {ids[0]} is gone: it was forgotten meanwhile")


def check_latest(turn: Turn, ids: Sequence[str], expected: int | None) -> None:
    """The same for its latest version, which may be a forgotten one."""
    if expected is None:
        return
    (id,) = ids
    known, _ = latest(turn, id)
    if known is None:
        raise gone(id)
    if known != expected:
        raise VersionConflict(id, expected, known)


def is_purged(turn: Turn, id: str) -> bool:
    """Whether a cube was deleted for good."""
    found = turn.connection.execute(
        "SELECT 1 FROM directory WHERE id = %s AND purged_at IS NOT NULL", (id,)
    ).fetchone()
    return found is not None


def _insert(
    turn: Turn,
    num: int,
    drafts: list[NewCube],
    positions: list[int],
    made: Vectors | None,
    now: int,
) -> None:
    rows = turn.rows(len(drafts))
    space = None if made is None else vectors.space_number(turn.connection, made)
    with turn.connection.pipeline():  # sent together, so a distant server costs one way and back
        insert_cubes(turn, num, [(row, d.id, d.key) for row, d in zip(rows, drafts, strict=True)])
        turn.connection.cursor().executemany(
            _VERSION,
            [
                (turn.tenant, row, row, 1, num, *values_of(draft, now))
                for row, draft in zip(rows, drafts, strict=True)
            ],
        )
        quotas.gain(turn, rows)
        name_speakers(turn, num, {draft.speaker for draft in drafts if draft.speaker})
        for row, draft in zip(rows, drafts, strict=True):
            write_spans(turn, row, [(s.cube, s.version, s.start, s.end) for s in draft.spans])
        words.insert(turn, num, zip(rows, (draft.terms for draft in drafts), strict=True))
        if made is not None and space is not None:
            vectors.insert(turn.connection, turn.tenant, num, space, rows, made, positions)


def insert_cubes(turn: Turn, num: int, cubes: Sequence[tuple[int, str, str | None]]) -> None:
    """Write cubes (number, id, key) of a namespace, known by their ids from everywhere."""
    tenants.enter(turn.connection, [(turn.tenant, id) for _, id, _ in cubes])
    turn.connection.execute(
        "INSERT INTO cubes (tenant, namespace, num, id, key) SELECT %s, %s, * "
        "FROM unnest(%s::bigint[], %s::text[], %s::text[])",
        (turn.tenant, num, *map(list, zip(*cubes, strict=True))),
    )


def name_speakers(turn: Turn, num: int, speakers: Iterable[str]) -> None:
    """Remember who has spoken in a namespace."""
    if names := sorted(speakers):
        turn.connection.execute(
            "INSERT INTO speakers (tenant, namespace, speaker) SELECT %s, %s, unnest(%s::text[]) "
            "ON CONFLICT DO NOTHING",
            (turn.tenant, num, names),
        )


def write_spans(turn: Turn, row: int, spans: Sequence[Sequence[Any]]) -> None:
    """Write the sources (cube, version, start, end) of a version."""
    if spans:
        turn.connection.cursor().executemany(
            "INSERT INTO spans VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [(turn.tenant, row, i, *span) for i, span in enumerate(spans)],
        )


def update(
    turn: Turn,
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
    found = turn.connection.execute(
        "SELECT v.row, v.cube, v.version, v.namespace, v.recorded_at, v.retired_at FROM versions v "
        "JOIN cubes c ON c.tenant = v.tenant AND c.num = v.cube WHERE c.tenant = %s AND c.id = %s "
        "ORDER BY v.version DESC LIMIT 1",
        (turn.tenant, id),
    ).fetchone()
    if found is None:
        raise gone(id)
    row, cube, version, num, recorded_at, retired_at = found
    if version != expected:
        raise VersionConflict(id, expected, version)
    now = max(now, recorded_at + 1, (retired_at or 0) + 1)
    if retired_at is None:
        _end(turn, row, now)
    (new,) = turn.rows(1)
    turn.connection.execute(
        _VERSION, (turn.tenant, new, cube, version + 1, num, *values_of(draft, now))
    )
    quotas.gain(turn, [new])
    name_speakers(turn, num, {draft.speaker} if draft.speaker else ())
    retire(turn, ending(turn.connection, turn.tenant, [id])[1:], actor, now)
    quotas.check(turn, num)
    space = None if made is None else vectors.space_number(turn.connection, made)
    with turn.connection.pipeline():
        write_spans(turn, new, [(s.cube, s.version, s.start, s.end) for s in draft.spans])
        words.insert(turn, num, [(new, draft.terms)])
        if made is not None and space is not None:
            vectors.insert(turn.connection, turn.tenant, num, space, [new], made, [0])
    turn.tell(now, verb, actor, namespace=num, cube=id, version=version + 1)
    return int(version) + 1


def gone(id: str) -> NotFound:
    """What a late update is told."""
    return NotFound(f"cube {id} is gone: it was purged meanwhile")


def _end(turn: Turn, row: int, now: int) -> None:
    turn.connection.execute(
        "UPDATE versions SET retired_at = %s WHERE tenant = %s AND row = %s",
        (now, turn.tenant, row),
    )
    quotas.end(turn, row)


def retire(
    turn: Turn, ids: Sequence[str], actor: str, now: int, expected: int | None = None
) -> list[str]:
    """End the current version of cubes (and their links); the ids that were still current.

    The past keeps them: `as_of`, `history` and `restore` still reach them until a purge. What
    methods derived from them ends with them.
    """
    _check_current(turn, ids, expected)
    ended = ending(turn.connection, turn.tenant, ids)
    rows = turn.connection.execute(
        "SELECT c.id, v.row, v.cube, v.version, v.namespace, v.recorded_at FROM versions v "
        "JOIN cubes c ON c.tenant = v.tenant AND c.num = v.cube "
        "WHERE c.tenant = %s AND c.id = ANY(%s) AND v.retired_at IS NULL",
        (turn.tenant, ended),
    ).fetchall()
    found = {id: told for id, *told in rows}
    for id in ended:
        row, cube, version, num, recorded_at = found[id]
        moment = max(now, recorded_at + 1)
        _end(turn, row, moment)
        links.retire_of(turn, cube, moment)
        turn.tell(moment, "forget", actor, namespace=num, cube=id, version=version)
    return ended


def ending(connection: Connection[Any], tenant: int, ids: Sequence[str]) -> list[str]:
    """Those of some cubes that are current, then all that methods derived from them. A summary
    ends in the transaction that changes its source, so nobody ever reads one of what is no longer
    so; what people derived is theirs."""
    current = {
        id
        for (id,) in connection.execute(
            "SELECT c.id FROM cubes c JOIN versions v ON v.tenant = c.tenant AND v.cube = c.num "
            "AND v.retired_at IS NULL WHERE c.tenant = %s AND c.id = ANY(%s)",
            (tenant, list(ids)),
        )
    }
    found = dict.fromkeys(id for id in ids if id in current)
    level = list(found)
    while level:
        made = connection.execute(
            "SELECT DISTINCT c.id FROM spans s JOIN versions v ON v.tenant = s.tenant "
            "AND v.row = s.row JOIN cubes c ON c.tenant = v.tenant AND c.num = v.cube "
            "WHERE s.tenant = %s AND s.cube = ANY(%s) AND v.retired_at IS NULL "
            "AND starts_with(v.producer, 'method:') ORDER BY c.id",
            (tenant, level),
        ).fetchall()
        level = [id for (id,) in made if id not in found]
        found.update(dict.fromkeys(level))
    return list(found)
