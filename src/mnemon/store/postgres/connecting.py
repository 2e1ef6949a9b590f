"""New connections, set up as the store needs them.

Nothing is set for a connection's lifetime: behind a pooler the next transaction may run on another
one of the server's, and this one serve somebody else. Each transaction says what it needs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg

from mnemon.errors import StoreError

if TYPE_CHECKING:
    from psycopg import Connection

_CONNECT_S = 10
_SETTING = re.compile(r"(?:-c\s*|--)([\w.-]+)=((?:\\.|\S)*)")
"""One of the settings in an address's `options=`."""


def connected(url: str, connect_timeout: int = _CONNECT_S) -> Connection[Any]:
    """A connection that commits what it is told at once; the timeout is in seconds."""
    made = psycopg.connect(url, autocommit=True, connect_timeout=connect_timeout)
    try:
        if _pooled(made):
            # Statements are prepared in a connection of the server's, where the next transaction
            # may find none, or another client's under the same name.
            made.prepare_threshold = None
    except BaseException:
        made.close()
        raise
    return made


def _pooled(connection: Connection[Any]) -> bool:
    """Whether a pooler is in between: it has no process of the server's to tell its clients of when
    they connect, and makes a number up."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row != (connection.info.backend_pid,)


def check_settings(connection: Connection[Any], address: str) -> None:
    """Raise StoreError if the address asks for settings (`options=`) that are not there: a pooler
    may be told to ignore them, and with another `search_path` the tables would be others."""
    if not connection.info.options or not _pooled(connection):
        return
    for name, value in dict(_SETTING.findall(connection.info.options)).items():
        name, value = name.replace("-", "_"), re.sub(r"\\(.)", r"\1", value)
        with connection.transaction(force_rollback=True):
            there = connection.execute("SELECT current_setting(%s, true)", (name,)).fetchone()
            # Said by the server as it says what is there: `5000` is `5s`.
            asked = connection.execute("SELECT set_config(%s, %s, true)", (name, value)).fetchone()
        assert there is not None and asked is not None
        if there != asked:
            raise StoreError(
                f"{address} asks for {name} = {asked[0]}, but it is {there[0]}: a pooler "
                "ignores `options=`; take that out of the address and set it for the role: "
                f"ALTER ROLE mnemon SET {name} = …"
            )


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
