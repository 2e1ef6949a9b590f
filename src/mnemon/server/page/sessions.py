"""Who is signed in: a random id in the browser's cookie stands for a key, which stays here.

Kept in memory: after a restart people sign in again. A key that is revoked or expires ends its
sessions with the next request.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from datetime import UTC, datetime

from mnemon.server.keys import Key, Keys

SECONDS = 12 * 3600
_MOST = 10_000


class Sessions:
    """Sessions of one server; safe to use from many threads."""

    def __init__(self, keys: Keys, seconds: float = SECONDS) -> None:
        self._keys = keys
        self._seconds = seconds
        self._open: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        # Cookies know no ports: two servers on one machine must not sign each other's users out.
        self.cookie = f"mnemon_{hashlib.sha256(str(keys.path.resolve()).encode()).hexdigest()[:8]}"

    def begin(self, key: Key) -> str:
        """A new session of a key: what goes into the cookie."""
        id = secrets.token_urlsafe(32)
        now = time.monotonic()
        with self._lock:
            for old in [one for one, (_, end) in self._open.items() if end <= now]:
                del self._open[old]
            if len(self._open) >= _MOST:
                del self._open[next(iter(self._open))]
            self._open[_digest(id)] = (key.id, now + self._seconds)
        return id

    def key(self, id: str | None) -> Key | None:
        """The key of a session, if both are alive."""
        with self._lock:
            key_id, end = self._open.get(_digest(id or ""), ("", 0.0))
        if end <= time.monotonic():
            return None
        found = next((key for key in self._keys.known() if key.id == key_id), None)
        return found if found is not None and found.alive(datetime.now(UTC)) else None

    def end(self, id: str | None) -> None:
        """Sign out; ending what is not there is no error."""
        with self._lock:
            self._open.pop(_digest(id or ""), None)


def _digest(id: str) -> str:
    return hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()
