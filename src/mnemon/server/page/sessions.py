"""Who is signed in: a random id in the browser's cookie stands for a key, which stays here.

Kept in a file beside the keys, so that every process of a server knows them, also a later one. A
key that is revoked or expires ends its sessions with the next request.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from mnemon.server.keys import Key, Keys

SECONDS = 12 * 3600
_MOST = 10_000
_TABLE = "CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, key TEXT, ends REAL)"


class Sessions:
    """Sessions of one server; safe to use from many threads and processes."""

    def __init__(self, keys: Keys, seconds: float = SECONDS) -> None:
        self._keys = keys
        self._seconds = seconds
        self._path = keys.path.with_name(f"{keys.path.stem.removesuffix('-keys')}-sessions")
        # Cookies know no ports: two servers on one machine must not sign each other's users out.
        self.cookie = f"mnemon_{hashlib.sha256(str(keys.path.resolve()).encode()).hexdigest()[:8]}"

    def begin(self, key: Key) -> str:
        """A new session of a key: what goes into the cookie."""
        id = secrets.token_urlsafe(32)
        now = time.time()
        with self._changing() as file:
            file.execute("DELETE FROM sessions WHERE ends <= ?", (now,))
            file.execute(
                "DELETE FROM sessions WHERE id IN "
                "(SELECT id FROM sessions ORDER BY ends DESC LIMIT -1 OFFSET ?)",
                (_MOST - 1,),
            )
            file.execute(
                "INSERT INTO sessions VALUES (?, ?, ?)", (_digest(id), key.id, now + self._seconds)
            )
        return id

    def key(self, id: str | None) -> Key | None:
        """The key of a session, if both are alive."""
        if not id or not self._path.exists():
            return None
        with self._changing() as file:
            found = file.execute(
                "SELECT key FROM sessions WHERE id = ? AND ends > ?", (_digest(id), time.time())
            ).fetchone()
        key = next((one for one in self._keys.known() if found and one.id == found[0]), None)
        return key if key is not None and key.alive(datetime.now(UTC)) else None

    def end(self, id: str | None) -> None:
        """Sign out; ending what is not there is no error."""
        if id and self._path.exists():
            with self._changing() as file:
                file.execute("DELETE FROM sessions WHERE id = ?", (_digest(id),))

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(self._path, timeout=10.0)) as file, file:
            file.execute(_TABLE)
            yield file


def _digest(id: str) -> str:
    return hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()
