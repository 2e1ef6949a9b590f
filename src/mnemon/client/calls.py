"""What the client's groups of calls share: the connection, and times as they are sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from mnemon.choosing import Kinds
from mnemon.client.connection import Connection, Request, one
from mnemon.instant import Instant, parse
from mnemon.memory import Memory

Then = Callable[[Any], Any] | None


class Calls(Memory):
    """A memory behind a connection.

    Each call is described once. Over a `Blocking` connection it gives its result, as its signature
    says; over a `Concurrent` one an awaitable of it, which is what `AsyncMemory` awaits.
    """

    _connection: Connection

    def _get(
        self, call: str, kind: Any, namespace: str | None, /, then: Then = None, **query: Any
    ) -> Any:
        asked = {"namespace": self._scope(namespace), **query}
        return self._ask(Request("GET", call, kind, query=asked, repeatable=True), then)

    def _post(
        self, call: str, kind: Any, namespace: str | None, /, then: Then = None,
        repeatable: bool = False, **body: Any,
    ) -> Any:  # fmt: skip
        told = {"namespace": self._scope(namespace), **body}
        return self._ask(Request("POST", call, kind, told, repeatable=repeatable), then)

    def _ask(self, request: Request, then: Then = None) -> Any:
        return self._connection.carry(one(request, then))


def moment(value: Instant | None) -> str | None:
    """A point in time as it is sent: read here, so that a wrong one fails here."""
    return None if value is None else parse(value).isoformat()


def kinds(kind: Kinds) -> Sequence[str] | None:
    """Kinds as a list."""
    return [kind] if isinstance(kind, str) else None if kind is None else [*kind]


def quoted(id: str) -> str:
    """An id inside an address."""
    return quote(str(id), safe="")


def counted_of(told: dict[str, Any]) -> int:
    """The number in an answer that counts."""
    return int(told["count"])
