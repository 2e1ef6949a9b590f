"""Adding: new cubes of one caller or of several in one pass. Runs inside the writer's transaction.

Each table is written once for all of them: most of what a small add costs is its statements.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnemon.errors import NotFound, VersionConflict
from mnemon.store.cubes import check_same, said, values_of
from mnemon.store.rows import Added, Addition, NewCube
from mnemon.store.sqlite import links, quotas, vectors, words, writing
from mnemon.store.sqlite.inserting import insert

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class _Fresh:
    """What one addition has that is not there yet: `places` among its rows, `num` of its
    namespace."""

    addition: Addition
    num: int
    places: list[int]

    @property
    def drafts(self) -> list[NewCube]:
        return [self.addition.rows[place] for place in self.places]


def add(
    connection: sqlite3.Connection, additions: Sequence[Addition], now: int
) -> list[list[Added]]:
    """Write new cubes; a draft whose key is known in its namespace gives the cube that is there.

    Raises:
        KeyReused, NotFound, VersionConflict, QuotaExceeded, SpaceMoved, EmbedderError: one of the
            additions cannot be made; the transaction is to be rolled back.
    """
    paths = dict.fromkeys(one.namespace for one in additions if one.rows)
    nums = {path: writing.namespace_number(connection, path) for path in paths}
    results, fresh = _told_apart(connection, nums, additions, now)
    if fresh:
        _write(connection, fresh, now)
    for one, added in zip(additions, results, strict=True):
        wanted = [
            (made.id, draft.links)
            for made, draft in zip(added, one.rows, strict=True)
            if draft.links
        ]
        if wanted:
            links.resolve(connection, nums[one.namespace], wanted, now)
    return results


def alone(one: Addition, now: int) -> Callable[[sqlite3.Connection], list[Added]]:
    """`add` of one of several callers."""
    return lambda connection: add(connection, [one], now)[0]


def _told_apart(
    connection: sqlite3.Connection, nums: dict[str, int], additions: Sequence[Addition], now: int
) -> tuple[list[list[Added]], list[_Fresh]]:
    known = {
        path: writing.known_keys(
            connection,
            num,
            [row.key for one in additions if one.namespace == path for row in one.rows if row.key],
        )
        for path, num in nums.items()
    }
    results, fresh = [], []
    repeated: list[tuple[NewCube, str]] = []
    made: dict[str, NewCube] = {}
    for one in additions:
        added: list[Added] = []
        places: list[int] = []
        for place, draft in enumerate(one.rows):
            keys = known[one.namespace]
            there = keys.get(draft.key) if draft.key else None
            added.append(Added(there or draft.id, there is None, now))
            if there is not None:
                repeated.append((draft, there))
                continue
            places.append(place)
            if draft.key:
                keys[draft.key] = draft.id
                made[draft.id] = draft
        results.append(added)
        if places:
            fresh.append(_Fresh(one, nums[one.namespace], places))
    _check_repeated(connection, repeated, made)
    return results, fresh


def _check_repeated(
    connection: sqlite3.Connection,
    repeated: Sequence[tuple[NewCube, str]],
    made: Mapping[str, NewCube],
) -> None:
    """Raise KeyReused for a draft that says something else than the one that its key first came
    with, which is `made` here or there already."""
    if not repeated:
        return
    first = {id: said(draft) for id, draft in made.items()}
    wanted = [id for _, id in repeated if id not in first]
    first |= {id: told for id, *told in writing.first_said(connection, wanted)}
    for draft, id in repeated:
        if id in first:
            check_same(draft, id, first[id])


def _write(connection: sqlite3.Connection, fresh: Sequence[_Fresh], now: int) -> None:
    told = [(one.num, draft) for one in fresh for draft in one.drafts]
    for _, draft in told:
        _check_sources(connection, draft)
    rows = _versions(connection, told, now)
    for num in {num for num, _ in told}:
        quotas.check(connection, num)
    lines = [
        (row, words.line(num, draft.terms)) for row, (num, draft) in zip(rows, told, strict=True)
    ]
    insert(connection, "words (rowid, terms)", lines)
    _vectors(connection, fresh, rows)
    insert(
        connection,
        "journal (at, verb, actor, namespace, cube, version, detail)",
        [_event(one, now) for one in fresh],
    )


def _versions(
    connection: sqlite3.Connection, told: Sequence[tuple[int, NewCube]], now: int
) -> range:
    cube = connection.execute("SELECT coalesce(max(num), 0) + 1 FROM cubes").fetchone()[0]
    row = writing.next_row(connection)
    insert(
        connection,
        "cubes (num, id, namespace, key)",
        [(cube + i, draft.id, num, draft.key) for i, (num, draft) in enumerate(told)],
    )
    insert(
        connection,
        writing.VERSION,
        [
            (row + i, cube + i, 1, num, *values_of(draft, now))
            for i, (num, draft) in enumerate(told)
        ],
    )
    speakers = {(num, draft.speaker) for num, draft in told if draft.speaker}
    insert(connection, "speakers", sorted(speakers), "INSERT OR IGNORE")
    for i, (_, draft) in enumerate(told):
        if draft.spans:
            writing.write_spans(connection, row + i, draft)
    return range(row, row + len(told))


def _vectors(connection: sqlite3.Connection, fresh: Sequence[_Fresh], rows: range) -> None:
    spaces: dict[str, list[tuple[list[tuple[int, int]], np.ndarray]]] = {}
    start = rows.start
    for one in fresh:
        if (made := one.addition.vectors) is not None:
            places = [(one.num, start + i) for i in range(len(one.places))]
            spaces.setdefault(made.space, []).append((places, made.matrix[one.places]))
        start += len(one.places)
    if not spaces:
        return
    import numpy as np  # only once there is a vector to write

    for space, parts in spaces.items():
        places = [place for some, _ in parts for place in some]
        vectors.insert(connection, space, places, np.concatenate([matrix for _, matrix in parts]))


def _event(one: _Fresh, now: int) -> tuple[Any, ...]:
    """One event for each caller, with its cube if it is one."""
    alone = one.drafts[0].id if len(one.places) == 1 else None
    detail = json.dumps({"cubes": len(one.places)})
    return now, "add", one.addition.actor, one.num, alone, 1 if alone else None, detail


def _check_sources(connection: sqlite3.Connection, draft: NewCube) -> None:
    # A late write must not bring back what was purged, nor may a method's summary begin stale.
    for span in draft.spans:
        known, current = writing.latest(connection, span.cube)
        purged = known is None and writing.is_purged(connection, span.cube)
        made = known is not None and draft.producer.startswith("method:")
        if purged or (made and current is None):
            raise NotFound(f"the source {span.cube} was forgotten meanwhile: derive it again")
        if made and current is not None and current != span.version:
            raise VersionConflict(span.cube, span.version, current)
