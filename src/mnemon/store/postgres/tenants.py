"""Tenants: a name to its number and an id to its tenant."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mnemon.store.postgres import numbers
from mnemon.store.postgres.connection import WHOLE, Connections

if TYPE_CHECKING:
    from psycopg import Connection


class Tenants:
    """Numbers of tenants. One that was seen is remembered: it never changes."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._known: dict[str, int] = {}
        self.salt = ""

    def of(self, namespace: str) -> int:
        """Whose a namespace is; NOBODY if nothing was ever written there."""
        name = numbers.tenant_name(namespace)
        if name not in self._known:
            found = self._connections.read(WHOLE, lambda c: self._look(c, name))
            if found is None:
                return numbers.NOBODY
            self._known[name] = found
        return self._known[name]

    def made(self, namespace: str) -> int:
        """The same, made on first use."""
        tenant = self.of(namespace)
        if tenant == numbers.NOBODY:
            name = numbers.tenant_name(namespace)
            self._connections.write_whole(lambda c: self._make(c, name))
            tenant = self.of(namespace)
        return tenant

    def of_ids(self, ids: Iterable[str]) -> dict[int, list[str]]:
        """Cubes by tenant, living or purged; ids that nobody has are left out."""
        wanted = list(dict.fromkeys(ids))
        found = self._connections.read(
            WHOLE,
            lambda c: c.execute(
                "SELECT id, tenant FROM directory WHERE id = ANY(%s)", (wanted,)
            ).fetchall(),
        )
        whose = dict(found)
        grouped: dict[int, list[str]] = {}
        for id in wanted:
            if whose.get(id, numbers.NOBODY) != numbers.NOBODY:
                grouped.setdefault(whose[id], []).append(id)
        return grouped

    def _digest(self, name: str) -> bytes:
        return hashlib.sha256(f"{self.salt}/{name}".encode()).digest()

    def _look(self, connection: Connection[Any], name: str) -> int | None:
        row = connection.execute(
            "SELECT num FROM tenants WHERE digest = %s", (self._digest(name),)
        ).fetchone()
        return row[0] if row else None

    def _make(self, connection: Connection[Any], name: str) -> None:
        connection.execute(
            "INSERT INTO tenants (digest) VALUES (%s) ON CONFLICT (digest) DO NOTHING",
            (self._digest(name),),
        )
        connection.execute(
            "INSERT INTO counters (tenant) SELECT num FROM tenants WHERE digest = %s "
            "ON CONFLICT (tenant) DO NOTHING",
            (self._digest(name),),
        )


def enter(connection: Connection[Any], id_rows: Sequence[tuple[int, str]]) -> None:
    """Write cubes (tenant, id) into the directory."""
    if id_rows:
        connection.execute(
            "INSERT INTO directory (tenant, id) SELECT * FROM unnest(%s::bigint[], %s::text[])",
            ([tenant for tenant, _ in id_rows], [id for _, id in id_rows]),
        )
