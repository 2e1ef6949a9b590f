"""The store's calls on cubes, links, usage and the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mnemon.cube import Event, Link, MemCube
from mnemon.errors import StoreError
from mnemon.instant import now_micros
from mnemon.store import uploads
from mnemon.store.postgres import (
    artifacts,
    journal,
    keyed,
    links,
    purge,
    reading,
    retention,
    rewinding,
    usage,
    writing,
)
from mnemon.store.postgres.failures import away, translated, undone
from mnemon.store.postgres.opened import Opened
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import Added, Addition, Filter, NewCube, Purged, Rewind, Vectors

if TYPE_CHECKING:
    from psycopg import Connection


class Kept(Opened):
    """See `PostgresStore`."""

    def add(
        self, namespace: str, drafts: Sequence[NewCube], made: Vectors | None, actor: str
    ) -> list[Added]:
        if not drafts:
            return []
        return self._write(
            namespace, lambda turn: writing.add(turn, namespace, drafts, made, actor, now_micros())
        )

    def add_each(self, additions: Sequence[Addition]) -> list[list[Added] | Exception]:
        mine: dict[int, list[int]] = {}
        for at, one in enumerate(additions):
            if one.rows:
                mine.setdefault(self._tenants.made(one.namespace), []).append(at)

        def add(turn: Turn) -> list[tuple[int, list[Added] | Exception]]:
            return [(at, self._attempted(turn, additions[at])) for at in mine[turn.tenant]]

        done: list[list[Added] | Exception] = [[] for _ in additions]
        for part in self._connections.write(list(mine), add) if mine else []:
            for at, result in part:
                done[at] = result
        return done

    def _attempted(self, turn: Turn, one: Addition) -> list[Added] | Exception:
        try:
            with translated(self.address), turn.attempt():
                now = now_micros()
                return writing.add(turn, one.namespace, one.rows, one.vectors, one.actor, now)
        except Exception as error:  # noqa: BLE001 - handed to whose addition it is
            if error.__cause__ is not None and (away(error.__cause__) or undone(error.__cause__)):
                raise error.__cause__ from None  # the whole transaction is to be tried again
            return error

    def known_keys(self, namespace: str, keys: Sequence[str]) -> dict[str, str]:
        return self._in(namespace, keyed.known_keys_of, namespace, keys)

    def update(
        self, id: str, expected: int, draft: NewCube, made: Vectors | None, actor: str, verb: str
    ) -> int:
        tenants = list(self._tenants.of_ids([id]))
        if not tenants:
            raise writing.gone(id)
        (version,) = self._connections.write(
            tenants,
            lambda turn: writing.update(turn, id, expected, draft, made, actor, now_micros(), verb),
        )
        return version

    def retire(
        self, ids: Iterable[str], actor: str, expected: int | None = None
    ) -> tuple[list[str], list[str]]:
        mine = self._found(list(ids), expected)

        def end(turn: Turn) -> tuple[list[str], list[str]]:
            wanted = mine[turn.tenant]
            retention.check(turn, writing.ending(turn.connection, turn.tenant, wanted))
            ended = writing.retire(turn, wanted, actor, now_micros(), expected)
            made = artifacts.of_cubes(turn.connection, turn.tenant, ended)
            artifacts.delete(turn.connection, turn.tenant, [num for num, _ in made])
            return ended, [key for _, key in made]

        done = self._connections.write(list(mine), end) if mine else []
        return [id for ended, _ in done for id in ended], [key for _, made in done for key in made]

    def rewind(self, scope: str, edits: Rewind, actor: str) -> list[str]:
        return self._write(scope, lambda turn: rewinding.carry(turn, scope, edits, actor))

    def purge(
        self, ids: Sequence[str], actor: str, expected: int | None = None
    ) -> tuple[Purged, bool]:
        mine = self._found(ids, expected)
        if not mine:
            return _together([]), True

        def delete(turn: Turn) -> tuple[Purged, tuple[str, str]]:
            now = now_micros()
            gone = purge.delete(turn, mine[turn.tenant], actor, now, expected)
            return gone, purge.mark(turn.connection, now)

        done = self._connections.write(list(mine), delete)
        gone = _together([one for one, _ in done])
        uploads.drop(self.uploads, gone.jobs)
        erased = [self._erase(*mark) for _, mark in done]
        return gone, all(erased)

    def _found(self, ids: Sequence[str], expected: int | None) -> dict[int, list[str]]:
        mine = self._tenants.of_ids(ids)
        if expected is not None and not mine:
            raise writing.gone(ids[0])
        return mine

    def _erase(self, key: str, xid: str) -> bool:
        try:
            return self._connections.alone(lambda c: purge.erase(c, key, xid, self._timeout))
        except StoreError:  # the rows are gone from every answer: it is to be finished later
            return False

    def ending(self, ids: Sequence[str]) -> Purged:
        return self._plan(ids, purge.ending)

    def doomed(self, ids: Sequence[str]) -> Purged:
        return self._plan(ids, purge.counted)

    def _plan(
        self, ids: Sequence[str], count: Callable[[Connection[Any], int, list[str]], Purged]
    ) -> Purged:
        mine = self._tenants.of_ids(ids)
        return _together([self._at(tenant, count, some) for tenant, some in mine.items()])

    def select(
        self, chosen: Filter, *, after: int = 0, limit: int = -1
    ) -> list[tuple[int, MemCube]]:
        return self._in(chosen.namespace, reading.select, chosen, after=after, limit=limit)

    def by_rows(self, rows: Iterable[int]) -> dict[int, MemCube]:
        found: dict[int, MemCube] = {}
        for part in self._each(rows, reading.by_rows):
            found.update(part)
        return found

    def contents(self, rows: Sequence[int]) -> list[str]:
        found: dict[int, str] = {}
        for part in self._each(rows, reading.contents):
            found.update(part)
        return [found.get(row, "") for row in rows]

    def count(self, chosen: Filter) -> int:
        return self._in(chosen.namespace, reading.count, chosen)

    def history(self, scope: str, id: str) -> list[MemCube]:
        return self._in(scope, reading.history, scope, id)

    def find(self, scope: str, ending: str) -> list[str]:
        return self._in(scope, reading.find, scope, ending)

    def namespaces(self, scope: str | None) -> list[tuple[str, int]]:
        if scope is None:
            return self._whole(reading.namespace_sizes, None, None)
        return self._in(scope, reading.namespace_sizes, scope)

    def speakers(self, scope: str) -> list[str]:
        return self._in(scope, reading.speakers, scope)

    def link(self, scope: str, link: Link, actor: str) -> None:
        self._write(scope, lambda turn: links.write(turn, scope, link, actor, now_micros()))

    def unlink(self, scope: str, link: Link, actor: str) -> bool:
        return self._write(scope, lambda turn: links.remove(turn, scope, link, actor, now_micros()))

    def links(self, scope: str, id: str, as_of: int | None = None) -> list[Link]:
        return self._in(scope, links.read, scope, id, as_of)

    def edges(
        self, rows: Sequence[int], as_of: int | None = None
    ) -> list[tuple[int, int, float, str]]:
        parts = self._each(rows, lambda c, t, mine: links.edges(c, t, mine, as_of))
        return [edge for part in parts for edge in part]

    def usage(self, rows: Sequence[int]) -> list[tuple[int, int, int, int]]:
        found: dict[int, tuple[int, int, int, int]] = {}
        for part in self._each(rows, usage.of):
            found.update(part)
        return [found.get(row, (0, 0, 0, 0)) for row in rows]

    def count_reads(self, reads: Mapping[str, int]) -> None:
        mine, now = self._tenants.of_ids(reads), now_micros()
        if mine:
            self._connections.write(
                list(mine),
                lambda turn: usage.read(turn, {id: reads[id] for id in mine[turn.tenant]}, now),
            )

    def judge(self, scope: str, id: str, helpful: bool) -> None:
        self._write(scope, lambda turn: usage.judge(turn, scope, id, helpful))

    def journal(
        self, scope: str, cube: str | None, after: int, limit: int, before: int | None = None
    ) -> list[Event]:
        return self._in(scope, journal.read, scope, cube, after, limit, before)


def _together(parts: Sequence[Purged]) -> Purged:
    return Purged(
        tuple(id for part in parts for id in part.ids),
        sum(part.versions for part in parts),
        sum(part.links for part in parts),
        sum(part.artifacts for part in parts),
        jobs=tuple(id for part in parts for id in part.jobs),
        keys=tuple(key for part in parts for key in part.keys),
        forms=sum((Counter(part.forms) for part in parts), Counter[str]()),
    )
