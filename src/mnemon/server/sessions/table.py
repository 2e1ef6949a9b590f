"""Sessions in the database: a balancer may send a browser to any of the machines that serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnemon.server.sessions.sessions import MOST
from mnemon.store.postgres.clock import NOW, moment

if TYPE_CHECKING:
    from psycopg import Connection

    from mnemon.store.postgres.shared import Shared


class SessionTable:
    """See `sessions.Shelf` for what each method promises."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.name = shared.id

    def put(self, digest: str, key: str, seconds: float) -> None:
        def write(connection: Connection[Any]) -> None:
            now = moment(connection)
            connection.execute(
                "DELETE FROM sessions WHERE tenant = 0 AND (ends <= %s OR digest IN "
                "(SELECT digest FROM sessions WHERE tenant = 0 ORDER BY ends DESC OFFSET %s))",
                (now, MOST - 1),
            )
            connection.execute(
                "INSERT INTO sessions (tenant, digest, key, ends) VALUES (0, %s, %s, %s)",
                (digest, key, now + int(seconds * 1_000_000)),
            )

        self._shared.write(write)

    def key(self, digest: str) -> str | None:
        rows = self._shared.ask(
            f"SELECT key FROM sessions WHERE tenant = 0 AND digest = %(digest)s AND ends > {NOW}",
            digest=digest,
        )
        return str(rows[0][0]) if rows else None

    def drop(self, digest: str) -> None:
        self._shared.write(
            lambda c: c.execute("DELETE FROM sessions WHERE tenant = 0 AND digest = %s", (digest,))
        )
