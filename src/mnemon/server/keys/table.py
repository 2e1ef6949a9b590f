"""Keys in the database, for all machines that serve it: each request looks there, so what one of
them revokes opens nothing at any other from the next request on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mnemon.errors import StoreCorrupt
from mnemon.server.keys.key import Key, read
from mnemon.server.keys.shelf import Decide
from mnemon.wire.plain import plain

if TYPE_CHECKING:
    from psycopg import Connection

    from mnemon.store.postgres.shared import Shared

_SELECT = "SELECT told FROM keys WHERE tenant = 0"


class KeyTable:
    """See `shelf.Shelf` for what each method promises."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._some = False  # once there is a key there always is: a revoked one stays

    def in_use(self) -> bool:
        self._some = self._some or bool(self._shared.ask(f"{_SELECT} LIMIT 1"))
        return self._some

    def known(self) -> tuple[Key, ...]:
        return self._read(self._shared.ask(_SELECT))

    def of_digest(self, sha256: str) -> Key | None:
        return self._one(self._shared.ask(f"{_SELECT} AND sha256 = %(sha256)s", sha256=sha256))

    def of_id(self, id: str) -> Key | None:
        return self._one(self._shared.ask(f"{_SELECT} AND id = %(id)s", id=id))

    def change(self, decide: Decide) -> Sequence[Key]:
        def write(connection: Connection[Any]) -> Sequence[Key]:
            rows = connection.execute(f"{_SELECT} FOR UPDATE").fetchall()
            changed = decide(self._read(rows))
            connection.cursor().executemany(
                "INSERT INTO keys (tenant, id, sha256, told) VALUES (0, %s, %s, %s) "
                "ON CONFLICT (tenant, id) DO UPDATE SET told = excluded.told",
                [(key.id, key.sha256, json.dumps(plain(key))) for key in changed],
            )
            return changed

        return self._shared.write(write)

    def _one(self, rows: Sequence[tuple[Any, ...]]) -> Key | None:
        return next(iter(self._read(rows)), None)

    def _read(self, rows: Sequence[tuple[Any, ...]]) -> tuple[Key, ...]:
        try:
            found = [_key(told) for (told,) in rows]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreCorrupt(
                f"a key in {self._shared.address} cannot be read ({error}): restore the table "
                "`keys` from a backup"
            ) from error
        return tuple(sorted(found, key=lambda key: (key.created_at, key.id)))


@lru_cache(maxsize=1024)
def _key(told: str) -> Key:
    return read(json.loads(told))
