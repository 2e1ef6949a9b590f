"""The embedded store: one SQLite file (and a folder of blobs beside it for large artifacts).

Write-ahead logging with full synchronisation: what returned is on disk. See docs/file-format.md.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mnemon import analysis
from mnemon.cube import Event, Link, MemCube
from mnemon.errors import MnemonError, StoreBusy
from mnemon.identity import new_id
from mnemon.instant import now_micros
from mnemon.store import uploads
from mnemon.store.rows import (
    Added,
    Addition,
    Changes,
    Filter,
    Headers,
    NewCube,
    Problem,
    Purged,
    Rewind,
    Space,
    Vectors,
)
from mnemon.store.sqlite import (
    adding,
    artifacts,
    check,
    journal,
    links,
    portable,
    purge,
    reading,
    retention,
    rewinding,
    usage,
    vectors,
    words,
    writing,
)
from mnemon.store.sqlite.compiled import Compiled
from mnemon.store.sqlite.connection import MEMORY, Connections, translated
from mnemon.store.sqlite.migrate import check as check_layout
from mnemon.store.sqlite.migrate import migrate
from mnemon.store.sqlite.queue import SQLiteQueue
from mnemon.store.sqlite.writer import Writer

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")


class SQLiteStore(Compiled):
    """See `mnemon.store.protocol.Store` for what each method promises.

    Raises on opening: StoreCorrupt, StoreTooNew, StoreReadOnly, StoreError.
    """

    shared: None = None
    """One machine serves a file."""

    def __init__(
        self,
        address: str,
        *,
        read_only: bool = False,
        timeout: float = 30.0,
        max_bytes: int | None = None,
    ) -> None:
        self.address = address
        self.read_only = read_only
        self._timeout = timeout
        self._connections = Connections(
            address, read_only=read_only, timeout=timeout, max_bytes=max_bytes
        )
        self._writer = Writer(self._connections)
        self.queue = SQLiteQueue(self._writer.run, self._read)
        try:
            self._prepare()
        except BaseException:
            self._connections.close()
            raise

    def _prepare(self) -> None:
        if self.read_only:
            with self._connections.read() as connection:
                check_layout(connection, self.address)
            return
        with self._connections.lock, translated(self.address):
            migrate(self._connections.writer(), self.address)
            known = dict(self._connections.writer().execute("SELECT key, value FROM store"))
        if "id" not in known:
            self._writer.run(_introduce)

    def add(
        self, namespace: str, drafts: Sequence[NewCube], made: Vectors | None, actor: str
    ) -> list[Added]:
        now, whole = now_micros(), [Addition(namespace, drafts, made, actor)]
        return self._writer.run(lambda c: adding.add(c, whole, now))[0]

    def add_each(self, additions: Sequence[Addition]) -> list[list[Added] | Exception]:
        now = now_micros()
        try:
            return [*self._writer.run(lambda c: adding.add(c, additions, now))]
        except StoreBusy as error:
            return [error] * len(additions)
        except MnemonError:  # of one of them: which, they find out by themselves
            alone = [adding.alone(one, now) for one in additions]
            return self._writer.run_each(alone)

    def known_keys(self, namespace: str, keys: Sequence[str]) -> dict[str, str]:
        return self._read(lambda c: writing.known_keys_of(c, namespace, keys))

    def update(
        self, id: str, expected: int, draft: NewCube, made: Vectors | None, actor: str, verb: str
    ) -> int:
        now = now_micros()
        return self._writer.run(
            lambda c: writing.update(c, id, expected, draft, made, actor, now, verb)
        )

    def retire(
        self, ids: Iterable[str], actor: str, expected: int | None = None
    ) -> tuple[list[str], list[str]]:
        wanted, now = list(ids), now_micros()

        def end(connection: sqlite3.Connection) -> tuple[list[str], list[tuple[str, str | None]]]:
            retention.check(connection, writing.ending(connection, wanted))
            ended = writing.retire(connection, wanted, actor, now, expected)
            made = artifacts.of_cubes(connection, ended)
            artifacts.delete(connection, [key for key, _ in made])
            return ended, made

        ended, made = self._writer.run(end)
        self._unlink(blob for _, blob in made if blob)
        return ended, [key for key, _ in made]

    def rewind(self, scope: str, edits: Rewind, actor: str) -> list[str]:
        now = now_micros()
        made = self._writer.run(lambda c: rewinding.carry(c, scope, edits, actor, now))
        self._unlink(blob for _, blob in made if blob)
        return [key for key, _ in made]

    def purge(
        self, ids: Sequence[str], actor: str, expected: int | None = None
    ) -> tuple[Purged, bool]:
        now = now_micros()
        with self._connections.unbounded():  # a full store must be able to forget
            gone = self._writer.run(lambda c: purge.delete(c, ids, actor, now, expected))
            self._unlink(gone.files)
            self._unlink(self._orphans())
            uploads.drop(self.uploads, gone.jobs)
            purge.drop(self.index)
            return gone, self._writer.alone(lambda c: purge.erase(c, self._timeout))

    def ending(self, ids: Sequence[str]) -> Purged:
        return self._read(lambda c: purge.ending(c, ids))

    def doomed(self, ids: Sequence[str]) -> Purged:
        return self._read(lambda c: purge.counted(c, ids))

    def select(
        self, chosen: Filter, *, after: int = 0, limit: int = -1
    ) -> list[tuple[int, MemCube]]:
        return self._read(lambda c: reading.select(c, chosen, after=after, limit=limit))

    def by_rows(self, rows: Iterable[int]) -> dict[int, MemCube]:
        wanted = list(rows)
        return self._read(lambda c: reading.by_rows(c, wanted))

    def contents(self, rows: Sequence[int]) -> list[str]:
        return self._read(lambda c: reading.contents(c, rows))

    def count(self, chosen: Filter) -> int:
        return self._read(lambda c: reading.count(c, chosen))

    def history(self, scope: str, id: str) -> list[MemCube]:
        return self._read(lambda c: reading.history(c, scope, id))

    def find(self, scope: str, ending: str) -> list[str]:
        return self._read(lambda c: reading.find(c, scope, ending))

    def namespaces(self, scope: str | None) -> list[tuple[str, int]]:
        return self._read(lambda c: reading.namespace_sizes(c, scope))

    def speakers(self, scope: str) -> list[str]:
        return self._read(lambda c: reading.speakers(c, scope))

    def link(self, scope: str, link: Link, actor: str) -> None:
        now = now_micros()
        self._writer.run(lambda c: links.write(c, scope, link, actor, now))

    def unlink(self, scope: str, link: Link, actor: str) -> bool:
        now = now_micros()
        return self._writer.run(lambda c: links.remove(c, scope, link, actor, now))

    def links(self, scope: str, id: str, as_of: int | None = None) -> list[Link]:
        return self._read(lambda c: links.read(c, scope, id, as_of))

    def edges(
        self, rows: Sequence[int], as_of: int | None = None
    ) -> list[tuple[int, int, float, str]]:
        return self._read(lambda c: links.edges(c, rows, as_of))

    def usage(self, rows: Sequence[int]) -> list[tuple[int, int, int, int]]:
        return self._read(lambda c: usage.of(c, rows))

    def count_reads(self, reads: Mapping[str, int]) -> None:
        now = now_micros()
        self._writer.run(lambda c: usage.read(c, reads, now))

    def judge(self, scope: str, id: str, helpful: bool) -> None:
        self._writer.run(lambda c: usage.judge(c, scope, id, helpful))

    def journal(
        self, scope: str, cube: str | None, after: int, limit: int, before: int | None = None
    ) -> list[Event]:
        return self._read(lambda c: journal.read(c, scope, cube, after, limit, before))

    def headers(self, scope: str, after: int) -> tuple[int, list[int], Headers]:
        def ask(connection: sqlite3.Connection) -> tuple[int, list[int], Headers]:
            nums = reading.namespaces(connection, scope)
            return journal.last(connection), nums, reading.headers(connection, nums, after)

        return self._read(ask)

    def scan_headers(self, scope: str, after: int) -> Iterator[tuple[int, list[int], Headers]]:
        with self._connections.read() as connection:
            nums, seq = reading.namespaces(connection, scope), journal.last(connection)
            yield seq, nums, Headers([])
            for part in reading.scan(connection, nums, after):
                yield seq, nums, part

    def sequence(self, scope: str) -> int:
        return self._read(journal.last)

    def changes(self, scope: str, after: int) -> Changes:
        return self._read(lambda c: journal.changes(c, scope, after))

    def stamp(self, scope: str, seq: int) -> str | None:
        return self._read(lambda c: journal.stamp(c, seq))

    def postings(self, nums: Sequence[int], terms: Sequence[str]) -> list[np.ndarray]:
        return self._read(lambda c: [words.postings(c, nums, term) for term in terms])

    def scan_postings(
        self, num: int, after: str, before: str | None, most: int
    ) -> list[tuple[str, np.ndarray]]:
        return self._read(lambda c: words.scan(c, num, after, before, most))

    def vectors(self, nums: Sequence[int], space: str, after: int) -> list[tuple[int, bytes]]:
        return self._read(lambda c: vectors.read(c, nums, space, after))

    def scan_vectors(
        self, nums: Sequence[int], space: str, after: int
    ) -> Iterator[tuple[list[int], bytes]]:
        with self._connections.read() as connection:
            yield from vectors.scan(connection, nums, space, after)

    def spaces(self) -> list[Space]:
        return self._read(vectors.spaces)

    def active_space(self) -> Space | None:
        return self._read(vectors.active)

    def create_space(self, space: Space) -> None:
        now = now_micros()
        self._writer.run(lambda c: vectors.create(c, space, now))

    def activate_space(self, name: str, *, keep: bool) -> bool:
        now = now_micros()
        if not self._writer.run(lambda c: vectors.switch(c, name, keep, now)):
            return False
        purge.drop(self.index)
        return True

    def missing_vectors(self, space: str, after: int, limit: int) -> list[tuple[int, str, str]]:
        return self._read(lambda c: vectors.missing(c, space, after, limit))

    def write_vectors(self, rows: Sequence[int], made: Vectors) -> None:
        self._writer.run(lambda c: vectors.fill(c, rows, made))

    def dump(self, scope: str | None) -> Iterator[dict[str, Any]]:
        with self._connections.read() as connection:
            yield from portable.dump(connection, scope)

    def unknown(self, ids: Sequence[str]) -> tuple[set[str], set[str]]:
        return self._read(lambda c: portable.unknown(c, ids))

    def restore(self, records: Sequence[dict[str, Any]], made: Vectors | None, actor: str) -> int:
        now = now_micros()
        return self._writer.run(lambda c: portable.restore(c, records, made, actor, now))

    def restore_rest(self, records: Sequence[dict[str, Any]]) -> int:
        return self._writer.run(lambda c: portable.restore_rest(c, records))

    def fsck(self, repair: bool) -> list[Problem]:
        if repair:
            self._writer.run(check.repair)
            purge.drop(self.index)
            self._writer.alone(lambda c: purge.erase(c, self._timeout))
            self._unlink(self._orphans())
        return self._read(lambda c: list(check.problems(c, self.blobs)))

    def size(self) -> dict[str, int]:
        counts = self._read(reading.sizes)
        if self.address != MEMORY:
            file, log = Path(self.address), Path(f"{self.address}-wal")
            counts["file_bytes"] = file.stat().st_size
            counts["log_bytes"] = log.stat().st_size if log.exists() else 0
        return counts

    def close(self) -> None:
        self._connections.close()


def _introduce(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO store VALUES (?, ?)",
        [("id", new_id()), ("created_at", str(now_micros())), ("analysis", analysis.STAMP)],
    )
