"""What the client's groups of calls share: the connection, and times as they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from mnemon.choosing import Kinds
from mnemon.client.connection import Connection
from mnemon.instant import Instant, parse
from mnemon.memory import Memory


class Calls(Memory):
    """A memory behind a connection."""

    _connection: Connection

    def _get(self, call: str, kind: Any, namespace: str | None, /, **query: Any) -> Any:
        asked = {"namespace": self._scope(namespace), **query}
        return self._connection.ask("GET", call, kind, query=asked, repeatable=True)

    def _post(
        self, call: str, kind: Any, namespace: str | None, /, repeatable: bool = False, **body: Any
    ) -> Any:
        told = {"namespace": self._scope(namespace), **body}
        return self._connection.ask("POST", call, kind, body=told, repeatable=repeatable)


def moment(value: Instant | None) -> str | None:
    """A point in time as it is sent: read here, so that a wrong one fails here."""
    return None if value is None else parse(value).isoformat()


def kinds(kind: Kinds) -> Sequence[str] | None:
    """Kinds as a list."""
    return [kind] if isinstance(kind, str) else None if kind is None else [*kind]


def quoted(id: str) -> str:
    """An id inside an address."""
    return quote(str(id), safe="")
