"""Sessions in a file beside the store, `<store>-sessions`, for the processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mnemon.server.sessions.sessions import MOST

_TABLE = "CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, key TEXT, ends REAL)"


class SessionFile:
    """See `sessions.Shelf` for what each method promises."""

    def __init__(self, store: Path) -> None:
        self._path = store.with_name(f"{store.name}-sessions")
        self.name = str(store.resolve())

    def put(self, digest: str, key: str, seconds: float) -> None:
        now = time.time()
        with self._changing() as file:
            file.execute("DELETE FROM sessions WHERE ends <= ?", (now,))
            file.execute(
                "DELETE FROM sessions WHERE id IN "
                "(SELECT id FROM sessions ORDER BY ends DESC LIMIT -1 OFFSET ?)",
                (MOST - 1,),
            )
            file.execute("INSERT INTO sessions VALUES (?, ?, ?)", (digest, key, now + seconds))

    def key(self, digest: str) -> str | None:
        if not self._path.exists():
            return None
        with self._changing() as file:
            found = file.execute(
                "SELECT key FROM sessions WHERE id = ? AND ends > ?", (digest, time.time())
            ).fetchone()
        return None if found is None else str(found[0])

    def drop(self, digest: str) -> None:
        if self._path.exists():
            with self._changing() as file:
                file.execute("DELETE FROM sessions WHERE id = ?", (digest,))

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(self._path, timeout=10.0)) as file, file:
            file.execute(_TABLE)
            yield file
