"""The store's calls that ranking reads by: headers, changes, postings, vectors and their spaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mnemon.instant import now_micros
from mnemon.store.postgres import journal, numbers, reading, vectors, words
from mnemon.store.postgres.opened import Opened
from mnemon.store.postgres.turn import Turn
from mnemon.store.rows import Changes, Headers, Space, Vectors


class Ranked(Opened):
    """See `PostgresStore`."""

    def headers(self, scope: str, after: int) -> tuple[int, list[int], Headers]:
        parts = list(self.scan_headers(scope, after))
        seq, nums, _ = parts[0]
        rows = [row for _, _, part in parts for row in part.columns]
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
        return self._in(scope, journal.stamp, seq)

    def sequence(self, scope: str) -> int:
        return self._in(scope, journal.last)

    def changes(self, scope: str, after: int) -> Changes:
        return self._in(scope, journal.changes, scope, after)

    def postings(self, nums: Sequence[int], terms: Sequence[str]) -> list[np.ndarray]:
        parts = [
            self._at(tenant, words.postings, nums, terms)
            for tenant in {numbers.of_place(num) for num in nums}
        ]
        empty = np.zeros(0, dtype=np.int64)
        return [np.concatenate([empty, *(part[i] for part in parts)]) for i in range(len(terms))]

    def scan_postings(
        self, num: int, after: str, before: str | None, most: int
    ) -> list[tuple[str, np.ndarray]]:
        return self._at(numbers.of_place(num), words.scan, num, after, before)

    def vectors(self, nums: Sequence[int], space: str, after: int) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        for tenant in sorted({numbers.of_place(num) for num in nums}):
            found += self._at(tenant, vectors.read, nums, space, after)
        return found

    def scan_vectors(
        self, nums: Sequence[int], space: str, after: int
    ) -> Iterator[tuple[list[int], bytes]]:
        for tenant in sorted({numbers.of_place(num) for num in nums}):
            with self._connections.reading(tenant) as connection:
                yield from vectors.scan(connection, tenant, nums, space, after)

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
        return self._whole(vectors.missing, space, after, limit)

    def write_vectors(self, rows: Sequence[int], made: Vectors) -> None:
        place = {row: at for at, row in enumerate(rows)}
        mine = numbers.by_tenant(rows)

        def fill(turn: Turn) -> None:
            at = [place[row] for row in mine[turn.tenant]]
            chosen = Vectors(made.space, made.matrix[at])
            vectors.fill(turn.connection, turn.tenant, mine[turn.tenant], chosen)

        if mine:
            self._connections.write(list(mine), fill)
