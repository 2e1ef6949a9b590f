"""The store for several servers: one PostgreSQL database, any number of replicas over it.

See docs/postgresql.md. Most files here are siblings of those in `store/sqlite/`; what differs is
that every statement names a tenant, and that writers of other processes are the normal case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mnemon.instant import now_micros
from mnemon.store.postgres import check, portable, purge, reading
from mnemon.store.postgres.compiled import Compiled
from mnemon.store.postgres.connection import WHOLE
from mnemon.store.postgres.kept import Kept
from mnemon.store.postgres.ranked import Ranked
from mnemon.store.postgres.tenancy import Tenancy
from mnemon.store.rows import Problem, Vectors


class PostgresStore(Kept, Compiled, Ranked, Tenancy):
    """See `mnemon.store.protocol.Store` for what each method promises.

    Args:
        url: a libpq address, `postgresql://user@host/db`. What it leaves out (a password above all)
            comes from libpq's own places: PGPASSWORD, ~/.pgpass, a service file.
        timeout: seconds to wait for other writers, a free connection, or a server to come back.

    Raises on opening: StoreCorrupt, StoreTooNew, StoreReadOnly, StoreError.
    """

    def dump(self, scope: str | None) -> Iterator[dict[str, Any]]:
        tenant = WHOLE if scope is None else self._tenants.of(scope)
        with self._connections.reading(tenant) as connection:
            yield from portable.dump(connection, tenant, scope)

    def unknown(self, ids: Sequence[str]) -> tuple[set[str], set[str]]:
        return self._whole(portable.unknown, ids)

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
