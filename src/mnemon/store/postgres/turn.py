"""A writer's turn at a tenant: the numbers it gives out, and what it tells the journal.

The row of `counters` is locked from here to the commit. So the next writer, on whatever replica,
begins with everything that this one wrote, and nobody can see a number before all lower ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mnemon.store.postgres import numbers
from mnemon.store.postgres.whose import about

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(slots=True)
class Turn:
    """The connection, inside a transaction of this tenant, and the numbers given out last."""

    connection: Connection[Any]
    tenant: int
    seq: int
    row: int
    num: int
    place: int
    places: dict[str, int] = field(default_factory=dict)
    """Numbers of namespaces that were looked up or made in this turn."""
    _events: list[tuple[Any, ...]] = field(default_factory=list)

    def rows(self, count: int) -> range:
        """New rows of versions."""
        first = numbers.first_row(self.tenant) + self.row + 1
        self.row += count
        return range(first, first + count)

    def number(self) -> int:
        """A new number of a link or artifact."""
        self.num += 1
        return self.num

    def namespace(self) -> int:
        """A new number of a namespace."""
        self.place += 1
        return numbers.first_place(self.tenant) + self.place

    def tell(
        self,
        at: int,
        verb: str,
        actor: str,
        *,
        namespace: int | None = None,
        cube: str | None = None,
        version: int | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Append one event to the journal. `detail` holds counts and names, never content."""
        self.seq += 1
        told = json.dumps(detail) if detail else None
        self._events.append(
            (self.tenant, self.seq, at, verb, actor, namespace, cube, version, told)
        )

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part that leaves nothing, no number either, if it raises; what was before stays."""
        before, places, told = self._given(), dict(self.places), len(self._events)
        try:
            with self.connection.transaction():  # a savepoint
                yield
        except BaseException:
            self.seq, self.row, self.num, self.place = before
            self.places = places
            del self._events[told:]
            raise

    def changed(self, held: tuple[int, ...]) -> bool:
        """Whether numbers were given out since these were the last."""
        return held != self._given()

    def _given(self) -> tuple[int, int, int, int]:
        return self.seq, self.row, self.num, self.place

    def finish(self) -> None:
        """Write the journal and the counters."""
        with self.connection.pipeline():
            if self._events:
                self.connection.cursor().executemany(
                    "INSERT INTO journal (tenant, seq, at, verb, actor, namespace, cube, version, "
                    "detail) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    self._events,
                )
            self.connection.execute(
                "UPDATE counters SET seq = %s, row = %s, num = %s, place = %s WHERE tenant = %s",
                (self.seq, self.row, self.num, self.place, self.tenant),
            )


@contextmanager
def turn(connection: Connection[Any], tenant: int) -> Iterator[Turn]:
    """Wait for the writers before, then write; nothing is written if the block raises."""
    whose = about(tenant)
    lock = f"SELECT seq, row, num, place FROM counters WHERE tenant = {int(tenant)} FOR UPDATE"
    cursor = connection.execute("; ".join([*whose, lock]), prepare=False)  # in one message
    for _ in whose:
        cursor.nextset()
    held = cursor.fetchone()
    assert held is not None, f"tenant {tenant} has no counters"
    mine = Turn(connection, tenant, *held)
    yield mine
    if mine.changed(held):
        mine.finish()
