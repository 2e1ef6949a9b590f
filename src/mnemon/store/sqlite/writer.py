"""One writer with a queue: threads hand in operations, one of them commits for all.

Whoever holds the lock takes everything queued, runs it in one transaction and makes it durable by
one commit. Nobody returns before the commit that holds their work. When an operation fails, all are
run again, each in a savepoint of its own, so that one failure harms no other: an operation leaves
nothing but what it wrote. Other processes wait for their turn (`turn.py`).
"""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mnemon.errors import StoreError
from mnemon.stages import stage
from mnemon.store.sqlite.connection import Connections, translated

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

_MOST_IN_ONE_COMMIT = 256


@dataclass(slots=True)
class _Job:
    operation: Operation[Any]
    done: bool = False
    result: Any = None
    error: Exception | None = field(default=None)


class Writer:
    """Runs operations against the writing connection, many in one commit when they queue up."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._queue: deque[_Job] = deque()
        self._pid = os.getpid()

    def run(self, operation: Operation[T]) -> T:
        """The operation's result, once it is durable; its error if it failed (and left nothing)."""
        (job,) = self._done([operation])
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[no-any-return]

    def run_each(self, operations: Sequence[Operation[T]]) -> list[T | Exception]:
        """The result of each once all are durable, in one commit; or the error of one that failed
        (and left nothing)."""
        return [job.result if job.error is None else job.error for job in self._done(operations)]

    def _done(self, operations: Sequence[Operation[Any]]) -> list[_Job]:
        if self._pid != os.getpid():  # what was queued before a fork is the parent's to write
            self._queue, self._pid = deque(), os.getpid()
        jobs = [_Job(operation) for operation in operations]
        with stage("store.write"):
            self._queue.extend(jobs)
            while not all(job.done for job in jobs):
                with self._connections.lock:
                    if not all(job.done for job in jobs):
                        self._commit_queued()
        return jobs

    def alone(self, operation: Operation[T]) -> T:
        """Run outside a transaction, with no other writer of this process (VACUUM, checkpoints)."""
        with self._connections.lock, translated(self._connections.path):
            return operation(self._connections.writer())

    def _commit_queued(self) -> None:
        jobs: list[_Job] = []
        waiting = min(len(self._queue), _MOST_IN_ONE_COMMIT)
        try:
            with translated(self._connections.path), self._connections.writing() as connection:
                # Only now, so that what came while it waited is among them.
                jobs = self._taken(min(len(self._queue), _MOST_IN_ONE_COMMIT))
                self._transact(connection, jobs)
        except Exception as error:  # noqa: BLE001 - handed to everyone whose work was in it
            jobs = jobs or self._taken(waiting)
            for job in jobs:
                job.error = job.error or error
        except BaseException:
            jobs = jobs or self._taken(waiting)
            for job in jobs:
                job.error = StoreError("the commit was interrupted: nothing of it was kept")
            raise
        finally:
            for job in jobs:
                job.done = True

    def _taken(self, count: int) -> list[_Job]:
        return [self._queue.popleft() for _ in range(count)]

    def _transact(self, connection: sqlite3.Connection, jobs: list[_Job]) -> None:
        if not self._together(connection, jobs):
            connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._attempt(connection, job)
        connection.execute("COMMIT")

    def _together(self, connection: sqlite3.Connection, jobs: list[_Job]) -> bool:
        """Whether all went well. Without savepoints: at each of them FTS5 writes what it has
        gathered as a segment of its own, which is then merged with others."""
        for job in jobs:
            try:
                with translated(self._connections.path):
                    job.result = job.operation(connection)
            except Exception:
                if len(jobs) == 1 or not connection.in_transaction:
                    raise  # nobody else's work is in it, or the transaction ended for everyone
                return False
        return True

    def _attempt(self, connection: sqlite3.Connection, job: _Job) -> None:
        connection.execute("SAVEPOINT one")
        try:
            with translated(self._connections.path):
                job.result = job.operation(connection)
        except Exception as error:
            job.error = error
            if not connection.in_transaction:
                raise  # a full disk or a broken file ended the transaction for everyone
            connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
