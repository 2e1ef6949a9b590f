"""An open store: its connections, its tenants, and how the other parts ask and write."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from mnemon import analysis
from mnemon.identity import new_id
from mnemon.instant import now_micros
from mnemon.store import uploads
from mnemon.store.address import beside
from mnemon.store.postgres import job_files, migrate, numbers
from mnemon.store.postgres.connection import WHOLE, Connections
from mnemon.store.postgres.queue import PostgresQueue
from mnemon.store.postgres.shared import Shared
from mnemon.store.postgres.tenants import Tenants
from mnemon.store.postgres.turn import Turn

if TYPE_CHECKING:
    from psycopg import Connection

P = ParamSpec("P")
T = TypeVar("T")


class Opened:
    """What every call goes through; see `PostgresStore`."""

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
        self.queue = PostgresQueue(self._connections, self._tenants, lambda: self.uploads)
        with self._connections.first() as connection:
            migrate.check_server(connection, self.address, read_only)
            if read_only:
                migrate.check_made(connection, self.address)
                known = migrate.told(connection)
            else:
                migrate.migrate(connection, self.address)
                known = migrate.introduce(connection, _facts())
        self._tenants.salt = known["id"]
        self.shared = Shared(self._connections, known["id"])

    @property
    def uploads(self) -> Path:
        """On this machine, while they are taken in and while a job reads one."""
        place = beside(self.address)
        return place.with_name(f"{place.name}-uploads")

    def upload(self, job: str, name: str) -> Path:
        file = uploads.place(self.uploads, job, name)
        if not file.exists():
            with self._connections.reading(WHOLE) as connection:
                job_files.bring(connection, job, file)
        return file

    def _at(
        self,
        tenant: int,
        ask: Callable[Concatenate[Connection[Any], int, P], T],
        *given: P.args,
        **named: P.kwargs,
    ) -> T:
        """What `ask` finds of one tenant."""
        return self._connections.read(tenant, lambda c: ask(c, tenant, *given, **named))

    def _in(
        self,
        scope: str,
        ask: Callable[Concatenate[Connection[Any], int, P], T],
        *given: P.args,
        **named: P.kwargs,
    ) -> T:
        """What `ask` finds of the tenant of a scope."""
        return self._at(self._tenants.of(scope), ask, *given, **named)

    def _whole(
        self, ask: Callable[Concatenate[Connection[Any], P], T], *given: P.args, **named: P.kwargs
    ) -> T:
        """What `ask` finds in the whole store."""
        return self._connections.read(WHOLE, lambda c: ask(c, *given, **named))

    def _each(
        self, rows: Iterable[int], ask: Callable[[Connection[Any], int, list[int]], T]
    ) -> list[T]:
        """What `ask` finds for the rows of each tenant; of one as a rule."""
        return [self._at(tenant, ask, mine) for tenant, mine in numbers.by_tenant(rows).items()]

    def _write(self, scope: str, work: Callable[[Turn], T]) -> T:
        """The result of `work` in the tenant of a scope, which is made on first use."""
        (made,) = self._connections.write([self._tenants.made(scope)], work)
        return made

    def close(self) -> None:
        """Give everything back; closing twice is no error."""
        self._connections.close()


def _facts() -> list[tuple[str, str]]:
    return [("id", new_id()), ("created_at", str(now_micros())), ("analysis", analysis.STAMP)]
