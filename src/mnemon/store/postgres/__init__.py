"""The store for several servers: one PostgreSQL database, any number of replicas over it.

See docs/postgresql.md. Each file here is the sibling of one in `store/sqlite/`; what differs is that
every statement names a tenant, and that writers of other processes are the normal case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mnemon import analysis
from mnemon.cube import Event, Link, MemCube
from mnemon.identity import new_id
from mnemon.instant import now_micros
from mnemon.store.postgres import (
    artifacts,
    check,
    journal,
    links,
    migrate,
    numbers,
    portable,
    purge,
    reading,
    usage,
    vectors,
    words,
    writing,
)
from mnemon.store.postgres.connection import WHOLE, Connections
from mnemon.store.postgres.failures import translated
from mnemon.store.postgres.tenants import Tenants
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import (
    Added,
    ArtifactRow,
    Changes,
    Filter,
    Headers,
    NewCube,
    Problem,
    Purged,
    Space,
    Vectors,
)

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")


class PostgresStore:
    """See `mnemon.store.protocol.Store` for what each method promises.

    Args:
        url: a libpq address, `postgresql://user@host/db`. What it leaves out (a password above all)
            comes from libpq's own places: PGPASSWORD, ~/.pgpass, a service file.
        timeout: seconds to wait for other writers, a free connection, or a server to come back.

    Raises on opening: StoreCorrupt, StoreTooNew, StoreReadOnly, StoreError.
    """

    blobs: Path | None = None
    """None: large artifacts are in the database, where every replica finds them."""
    index: Path | None = None
    """None: a purge by one replica could not delete the files of another."""

    def __init__(self, url: str, *, read_only: bool = False, timeout: float = 30.0) -> None:
        self.read_only = read_only
        self._timeout = timeout
        self._connections = Connections(url, read_only=read_only, timeout=timeout)
        self.address = self._connections.address
        self._tenants = Tenants(self._connections)
        with self._connections.first() as connection, translated(self.address):
            migrate.check_server(connection, self.address, read_only)
            if read_only:
                migrate.check(connection, self.address)
                known = migrate.told(connection)
            else:
                migrate.migrate(connection, self.address)
                known = migrate.introduce(connection, _facts())
        self._tenants.salt = known["id"]

    def _read(self, scope: str, ask: Callable[[Connection[Any], int], T]) -> T:
        tenant = self._tenants.of(scope)
        return self._connections.read(tenant, lambda c: ask(c, tenant))

    def _whole(self, ask: Callable[[Connection[Any]], T]) -> T:
        return self._connections.read(WHOLE, ask)

    def _write(self, scope: str, work: Callable[[Turn], T]) -> T:
        (made,) = self._connections.write([self._tenants.made(scope)], work)
        return made

    def _each(
        self, rows: Iterable[int], ask: Callable[[Connection[Any], int, list[int]], T]
    ) -> list[T]:
        return [
            self._connections.read(tenant, lambda c, t=tenant, r=mine: ask(c, t, r))
            for tenant, mine in numbers.by_tenant(rows).items()
        ]

    # cubes

    def add(
        self, namespace: str, drafts: Sequence[NewCube], made: Vectors | None, actor: str
    ) -> list[Added]:
        now = now_micros()
        if not drafts:
            return []
        return self._write(
            namespace, lambda turn: writing.add(turn, namespace, drafts, made, actor, now)
        )

    def known_keys(self, namespace: str, keys: Sequence[str]) -> dict[str, str]:
        return self._read(namespace, lambda c, t: writing.known_keys_of(c, t, namespace, keys))

    def update(
        self, id: str, expected: int, draft: NewCube, made: Vectors | None, actor: str, verb: str
    ) -> int:
        now = now_micros()
        tenants = list(self._tenants.of_ids([id]))
        if not tenants:
            raise writing.gone(id)
        (version,) = self._connections.write(
            tenants, lambda turn: writing.update(turn, id, expected, draft, made, actor, now, verb)
        )
        return version

    def retire(self, ids: Iterable[str], actor: str) -> tuple[list[str], int]:
        mine, now = self._tenants.of_ids(ids), now_micros()

        def end(turn: Turn) -> tuple[list[str], int]:
            ended = writing.retire(turn, mine[turn.tenant], actor, now)
            made = artifacts.of_cubes(turn.connection, turn.tenant, ended)
            artifacts.delete(turn.connection, turn.tenant, made)
            return ended, len(made)

        done = self._connections.write(list(mine), end) if mine else []
        return [id for ended, _ in done for id in ended], sum(count for _, count in done)

    def purge(self, ids: Sequence[str], actor: str) -> tuple[Purged, bool]:
        mine, now = self._tenants.of_ids(ids), now_micros()
        if not mine:
            return _together([]), True

        def delete(turn: Turn) -> tuple[Purged, tuple[str, str]]:
            gone = purge.delete(turn, mine[turn.tenant], actor, now)
            return gone, purge.mark(turn.connection, now)

        done = self._connections.write(list(mine), delete)
        erased = [
            self._connections.alone(lambda c, m=mark: purge.erase(c, *m, self._timeout))
            for _, mark in done
        ]
        return _together([gone for gone, _ in done]), all(erased)

    def ending(self, ids: Sequence[str]) -> Purged:
        return self._plan(ids, purge.ending)

    def doomed(self, ids: Sequence[str]) -> Purged:
        return self._plan(ids, purge.counted)

    def _plan(
        self, ids: Sequence[str], count: Callable[[Connection[Any], int, list[str]], Purged]
    ) -> Purged:
        return _together([
            self._connections.read(tenant, lambda c, t=tenant, m=mine: count(c, t, m))
            for tenant, mine in self._tenants.of_ids(ids).items()
        ])  # fmt: skip

    def select(
        self, chosen: Filter, *, after: int = 0, limit: int = -1
    ) -> list[tuple[int, MemCube]]:
        return self._read(
            chosen.namespace, lambda c, t: reading.select(c, t, chosen, after=after, limit=limit)
        )

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
        return self._read(chosen.namespace, lambda c, t: reading.count(c, t, chosen))

    def history(self, scope: str, id: str) -> list[MemCube]:
        return self._read(scope, lambda c, t: reading.history(c, t, scope, id))

    def find(self, scope: str, ending: str) -> list[str]:
        return self._read(scope, lambda c, t: reading.find(c, t, scope, ending))

    def namespaces(self, scope: str | None) -> list[tuple[str, int]]:
        if scope is None:
            return self._whole(lambda c: reading.namespace_sizes(c, None, None))
        return self._read(scope, lambda c, t: reading.namespace_sizes(c, t, scope))

    def speakers(self, scope: str) -> list[str]:
        return self._read(scope, lambda c, t: reading.speakers(c, t, scope))

    # links, usage, journal

    def link(self, scope: str, link: Link, actor: str) -> None:
        now = now_micros()
        self._write(scope, lambda turn: links.write(turn, scope, link, actor, now))

    def unlink(self, scope: str, link: Link, actor: str) -> bool:
        now = now_micros()
        return self._write(scope, lambda turn: links.remove(turn, scope, link, actor, now))

    def links(self, scope: str, id: str, as_of: int | None = None) -> list[Link]:
        return self._read(scope, lambda c, t: links.read(c, t, scope, id, as_of))

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
        return self._read(scope, lambda c, t: journal.read(c, t, scope, cube, after, limit, before))

    # what ranking reads

    def headers(self, scope: str, after: int) -> tuple[int, list[int], Headers]:
        seq, rows = 0, list[tuple[Any, ...]]()
        nums: list[int] = []
        for seq, nums, part in self.scan_headers(scope, after):
            rows += part.columns
        return seq, nums, Headers(sorted(rows) if len(nums) > 1 else rows)

    def scan_headers(self, scope: str, after: int) -> Iterator[tuple[int, list[int], Headers]]:
        tenant = self._tenants.of(scope)
        with self._connections.reading(tenant) as connection:
            nums, seq = (
                reading.namespaces(connection, tenant, scope),
                journal.last(connection, tenant),
            )
            yield seq, nums, Headers([])
            for part in reading.scan(connection, tenant, nums, after):
                yield seq, nums, part

    def stamp(self, scope: str, seq: int) -> str | None:
        return self._read(scope, lambda c, t: journal.stamp(c, t, seq))

    def sequence(self, scope: str) -> int:
        return self._read(scope, journal.last)

    def changes(self, scope: str, after: int) -> Changes:
        return self._read(scope, lambda c, t: journal.changes(c, t, after))

    def postings(self, nums: Sequence[int], terms: Sequence[str]) -> list[np.ndarray]:
        parts = [
            self._connections.read(
                tenant, lambda c, t=tenant: words.postings(c, t, nums, terms)
            )
            for tenant in {numbers.of_place(num) for num in nums}
        ]  # fmt: skip
        empty = np.zeros(0, dtype=np.int64)
        return [np.concatenate([empty, *(part[i] for part in parts)]) for i in range(len(terms))]

    def vectors(self, nums: Sequence[int], space: str, after: int) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        for tenant in sorted({numbers.of_place(num) for num in nums}):
            found += self._connections.read(
                tenant, lambda c, t=tenant: vectors.read(c, t, nums, space, after)
            )
        return found

    def scan_vectors(
        self, nums: Sequence[int], space: str, after: int
    ) -> Iterator[tuple[list[int], bytes]]:
        for tenant in sorted({numbers.of_place(num) for num in nums}):
            with self._connections.reading(tenant) as connection:
                yield from vectors.scan(connection, tenant, nums, space, after)

    # embedding spaces

    def spaces(self) -> list[Space]:
        return self._whole(vectors.spaces)

    def active_space(self) -> Space | None:
        return self._whole(vectors.active)

    def create_space(self, space: Space) -> None:
        now = now_micros()
        self._connections.write_whole(lambda c: vectors.create(c, space, now))

    def activate_space(self, name: str, *, keep: bool) -> bool:
        now = now_micros()
        return self._connections.write_whole(lambda c: vectors.switch(c, name, keep, now))

    def missing_vectors(self, space: str, after: int, limit: int) -> list[tuple[int, str, str]]:
        return self._whole(lambda c: vectors.missing(c, space, after, limit))

    def write_vectors(self, rows: Sequence[int], made: Vectors) -> None:
        place = {row: at for at, row in enumerate(rows)}
        mine = numbers.by_tenant(rows)

        def fill(turn: Turn) -> None:
            at = [place[row] for row in mine[turn.tenant]]
            chosen = Vectors(made.space, made.matrix[at])
            vectors.fill(turn.connection, turn.tenant, mine[turn.tenant], chosen)

        if mine:
            self._connections.write(list(mine), fill)

    # artifacts

    def write_artifact(self, row: ArtifactRow, actor: str) -> None:
        now = now_micros()
        self._write(row.namespace, lambda turn: artifacts.write(turn, row, actor, now))

    def artifact(self, scope: str, key: str) -> ArtifactRow | None:
        return self._read(scope, lambda c, t: artifacts.read(c, t, scope, key))

    def artifacts(self, scope: str, form: str | None, cube: str | None) -> list[ArtifactRow]:
        return self._read(scope, lambda c, t: artifacts.listing(c, t, scope, form, cube))

    def stale_sources(self, key: str) -> tuple[str, ...]:
        return self._whole(lambda c: artifacts.stale_sources(c, key))

    def sweep(self, scope: str, actor: str) -> int:
        now = now_micros()
        return self._write(scope, lambda turn: artifacts.sweep(turn, scope, actor, now))

    # the whole

    def dump(self, scope: str | None) -> Iterator[dict[str, Any]]:
        tenant = WHOLE if scope is None else self._tenants.of(scope)
        with self._connections.reading(tenant) as connection:
            yield from portable.dump(connection, tenant, scope)

    def unknown(self, ids: Sequence[str]) -> tuple[set[str], set[str]]:
        return self._whole(lambda c: portable.unknown(c, ids))

    def restore(self, records: Sequence[dict[str, Any]], made: Vectors | None, actor: str) -> int:
        now, position = now_micros(), 0
        wanted, _ = self.unknown([record["cube"] for record in records])
        mine: dict[int, list[tuple[int, dict[str, Any]]]] = {}
        for record in records:
            if record["cube"] in wanted:
                tenant = self._tenants.made(record["namespace"])
                mine.setdefault(tenant, []).append((position, record))
            position += len(record["versions"])
        if not mine:
            return 0
        return sum(
            self._connections.write(
                list(mine), lambda t: portable.restore(t, mine[t.tenant], made, actor, now)
            )
        )

    def restore_rest(self, records: Sequence[dict[str, Any]]) -> int:
        wanted = [record["link"] for record in records if "link" in record]
        dead = [(r["tombstone"], r["purged_at"]) for r in records if "tombstone" in r]
        mine = self._tenants.of_ids(link["src"] for link in wanted)
        whose = {id: tenant for tenant, ids in mine.items() for id in ids}
        if dead:
            self._connections.write_whole(lambda c: portable.bury(c, dead))
        if not mine:
            return 0
        return sum(
            self._connections.write(
                list(mine),
                lambda turn: portable.restore_links(
                    turn, [link for link in wanted if whose.get(link["src"]) == turn.tenant]
                ),
            )
        )

    def fsck(self, repair: bool) -> list[Problem]:
        if repair:
            self._connections.write_whole(check.repair)
            self._connections.alone(lambda c: purge.erase_all(c, self._timeout))
        return self._whole(lambda c: list(check.problems(c)))

    def size(self) -> dict[str, int]:
        return self._whole(reading.sizes)

    def close(self) -> None:
        self._connections.close()


def _facts() -> list[tuple[str, str]]:
    return [("id", new_id()), ("created_at", str(now_micros())), ("analysis", analysis.STAMP)]


def _together(parts: Sequence[Purged]) -> Purged:
    return Purged(
        tuple(id for part in parts for id in part.ids),
        sum(part.versions for part in parts),
        sum(part.links for part in parts),
        sum(part.artifacts for part in parts),
    )
