"""New connections, set up as the store needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from psycopg import Connection

_CONNECT_S = 10


def connected(url: str, connect_timeout: int = _CONNECT_S) -> Connection[Any]:
    """A connection that commits what it is told at once, and durably; the timeout is in seconds."""
    made = psycopg.connect(url, autocommit=True, connect_timeout=connect_timeout)
    # What returned is on disk, whatever the server's default; a stricter setting is kept.
    made.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') = 'off'"
    )
    # Citus tells its workers whose rows a transaction is about only if it is asked to.
    made.execute(
        "SELECT set_config('citus.propagate_set_commands', 'local', false) "
        "FROM pg_extension WHERE extname = 'citus'"
    )
    return made


def beginning_with(made: list[Connection[Any]]) -> type[Connection[Any]]:
    """What a pool calls its connections' class: it takes those in `made` before it makes any."""

    class Pooled(psycopg.Connection[Any]):
        @classmethod
        def connect(cls, conninfo: str = "", **options: Any) -> Any:
            try:
                return made.pop()
            except IndexError:  # of several threads, one takes the last
                return connected(conninfo, **options)

    return Pooled
