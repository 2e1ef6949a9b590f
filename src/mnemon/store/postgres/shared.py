"""What servers over one database share beside the memory: rows of tenant 0, which nobody has.

Keys, sessions, the audit log, rates, and whose turn it is. The SQL of each is where it is used, in
`mnemon.server`, beside the file that holds the same for one machine.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from mnemon.store.postgres import numbers
from mnemon.store.postgres.connection import Connections

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")


class Shared:
    """Safe to use from many threads. `address` is as it may be printed, `id` the store's own."""

    def __init__(self, connections: Connections, id: str) -> None:
        self._connections = connections
        self.address = connections.address
        self.id = id

    def ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """What one statement finds, in one round trip."""
        return self._connections.one(numbers.NOBODY, query, values)

    def tell(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a statement that writes gives back, in one round trip. For what may be carried out
        twice, and lost in a crash of the database's: counters, and what is only for a while."""
        return self._connections.one(numbers.NOBODY, query, values, writing=True)

    def write(self, work: Callable[[Connection[Any]], T]) -> T:
        """The result of `work` in a transaction, once it is durable; it may be begun anew.

        Raises:
            StoreError: the connection broke while it was being committed; it may have been kept.
        """
        return self._connections.write_apart(numbers.NOBODY, work)

    def reading(self) -> AbstractContextManager[Connection[Any]]:
        """One snapshot for as long as the block lasts."""
        return self._connections.reading(numbers.NOBODY)
