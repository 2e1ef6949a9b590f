"""Connections to one database: a pool, transactions that say whose rows they touch, and retries.

A read is one snapshot. A write holds its tenant's counters from the start to the commit, so the
writers of a tenant follow each other and those of different tenants do not meet. What failed
before its commit was sent left nothing and may be tried again; what failed later may have been
kept, and only the caller can look.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool

from mnemon import errors
from mnemon.store.address import shown
from mnemon.store.postgres.connecting import beginning_with, connected
from mnemon.store.postgres.failures import away, translated, undone
from mnemon.store.postgres.turn import Turn, turn
from mnemon.store.postgres.whose import about

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")

_MOST = 20  # connections: more than the threads of a server, which hold one each
_STILL_S = 10.0
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
# What returned is on disk, whatever the server's default; a stricter setting is kept.
_DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', true) "
    "WHERE current_setting('synchronous_commit') = 'off'"
)
WHOLE: None = None
"""Instead of a tenant's number: what concerns the whole store."""


class Connections:
    """Safe to use from many threads, and from a child process after a fork."""

    def __init__(self, url: str, *, read_only: bool, timeout: float) -> None:
        self.address = shown(url)
        self.read_only = read_only
        self._url = url
        self._timeout = timeout
        self._open = True
        self._left: list[Any] = []  # a parent's pools, which are not ours to close
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._made: list[Connection[Any]] = []  # what the pool begins with
        self._pool: ConnectionPool[Connection[Any]] = ConnectionPool(
            self._url, min_size=0, max_size=_MOST, open=False, timeout=self._timeout,
            reconnect_timeout=self._timeout, connection_class=beginning_with(self._made),
        )  # fmt: skip

    @contextmanager
    def first(self) -> Iterator[Connection[Any]]:
        """The connection to open the store by: what is wrong with the address is told at once.

        Calls go on with it: a second one would read the server's catalog again.
        """
        with translated(self.address):
            connection = connected(self._url)
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._made.append(connection)

    def read(self, tenant: int | None, ask: Callable[[Connection[Any]], T]) -> T:
        """What `ask` finds in one snapshot; asked again when the server went away meanwhile."""

        def attempt(connection: Connection[Any]) -> T:
            _look(connection, tenant)
            found = ask(connection)
            connection.execute("COMMIT")
            return found

        return self._patiently(attempt, lambda error: away(error) or undone(error))

    @contextmanager
    def reading(self, tenant: int | None) -> Iterator[Connection[Any]]:
        """One snapshot for as long as the block lasts."""
        with translated(self.address), self._connection() as connection:
            _look(connection, tenant)
            yield connection
            connection.execute("COMMIT")

    def write(self, tenants: Sequence[int], work: Callable[[Turn], T]) -> list[T]:
        """The result of `work` for each tenant, in one transaction, once it is durable.

        Raises:
            StoreError: the connection broke while it was being committed; it may have been kept.
        """

        def transact(connection: Connection[Any]) -> list[T]:
            made = []
            for tenant in sorted(set(tenants)):  # in one order, so that two never block each other
                with turn(connection, tenant) as mine:
                    made.append(work(mine))
            return made

        return self._write([], transact)

    def write_whole(self, work: Callable[[Connection[Any]], T]) -> T:
        """The result of `work` on the whole store, once it is durable; see `write`."""
        return self._write(about(WHOLE), work)

    def write_apart(self, tenant: int | None, work: Callable[[Connection[Any]], T]) -> T:
        """The result of `work` on rows that no writer of cubes touches (jobs, keys, the audit log),
        of a tenant or of all; see `write`. It waits for no such writer, so a long job keeps its
        lease. A machine that stands still in the middle of it loses its locks: others wait."""
        patience = f"SET LOCAL idle_in_transaction_session_timeout = '{int(_STILL_S * 1000)}ms'"
        return self._transact([patience, *about(tenant)], work)

    def one(
        self, tenant: int, query: str, values: Mapping[str, Any], *, writing: bool = False
    ) -> list[tuple[Any, ...]]:
        """The rows of one statement in a transaction of its own, in one message and one round trip.

        `writing` is for what may be carried out twice when the connection breaks, and be lost when
        the server does.
        """
        if writing:
            self._check_writable()
        begin = [_WRITE, "SET LOCAL synchronous_commit = off"] if writing else [_READ]
        before = [*begin, *about(tenant)]

        def attempt(connection: Connection[Any]) -> list[tuple[Any, ...]]:
            # Values are put in here: the server takes them apart from one statement only.
            cursor = psycopg.ClientCursor(connection)
            cursor.execute("; ".join([*before, query, "COMMIT"]), values)
            for _ in before:
                cursor.nextset()
            return cursor.fetchall()

        return self._patiently(attempt, lambda error: away(error) or undone(error))

    def _write(self, first: list[str], work: Callable[[Connection[Any]], T]) -> T:
        # Weakly, to be held off by `vectors.switch` and no one else.
        return self._transact(["LOCK TABLE spaces IN ROW EXCLUSIVE MODE", *first], work)

    def _transact(self, first: list[str], work: Callable[[Connection[Any]], T]) -> T:
        self._check_writable()
        sent = False
        patience = f"SET LOCAL lock_timeout = '{int(self._timeout * 1000)}ms'"

        def attempt(connection: Connection[Any]) -> T:
            nonlocal sent
            sent = False
            connection.execute("; ".join([_WRITE, _DURABLE, patience, *first]), prepare=False)
            made = work(connection)
            sent = True
            connection.execute("COMMIT")
            return made

        def again(error: BaseException) -> bool:
            if sent and away(error):
                raise errors.StoreError(
                    f"{self.address}: the connection broke during the commit. Whether this write "
                    "was kept is not known: look, or repeat it with the same key"
                ) from error
            return away(error) or undone(error)

        return self._patiently(attempt, again)

    def _check_writable(self) -> None:
        if self.read_only:
            raise errors.StoreReadOnly(f"{self.address} was opened with read_only=True")

    def alone(self, work: Callable[[Connection[Any]], T]) -> T:
        """Run outside a transaction (VACUUM)."""
        with translated(self.address), self._connection() as connection:
            return work(connection)

    def _patiently(
        self, attempt: Callable[[Connection[Any]], T], again: Callable[[BaseException], bool]
    ) -> T:
        deadline, wait = time.monotonic() + self._timeout, 0.01
        with translated(self.address):
            while True:
                try:
                    with self._connection() as connection:
                        return attempt(connection)
                except psycopg.Error as error:
                    if not again(error) or time.monotonic() + wait > deadline:
                        raise
                    if away(error):
                        self._ready().check()  # the others in the pool are as broken
                time.sleep(wait * random.uniform(0.5, 1.0))
                wait = min(2 * wait, 0.5)

    @contextmanager
    def _connection(self) -> Iterator[Connection[Any]]:
        pool = self._ready()
        connection = pool.getconn()
        try:
            yield connection
        finally:
            if not connection.closed and connection.info.transaction_status != 0:
                with suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
            pool.putconn(connection)

    def _ready(self) -> ConnectionPool[Connection[Any]]:
        if not self._open:
            raise errors.StoreClosed("this memory was closed: open it again with Memory(url)")
        if self._pid != os.getpid():
            self._left += [self._pool, *self._made]
            self._start()
        if self._pool.closed:
            self._pool.open()
        return self._pool

    def close(self) -> None:
        """Close every connection."""
        self._open = False
        if self._pid != os.getpid():
            return
        while self._made:
            self._made.pop().close()
        if not self._pool.closed:
            self._pool.close()

    def __del__(self) -> None:
        # A memory that nobody closed: give its connections back when it is collected.
        if getattr(self, "_open", False):
            self.close()


def _look(connection: Connection[Any], tenant: int | None) -> None:
    # Several statements in one message: the answers come back in one round trip.
    connection.execute("; ".join([_READ, *about(tenant)]), prepare=False)
