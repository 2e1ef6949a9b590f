"""Sessions: begun with a key, ended by signing out, by time, or with the key."""

from __future__ import annotations

import hashlib
import secrets
from typing import Protocol

from mnemon.server.keys import Key, Keys

SECONDS = 12 * 3600
MOST = 10_000
"""Sessions that are kept; the oldest go."""


class Shelf(Protocol):
    """Where sessions are kept, which every process asks that serves the store, also a later one."""

    @property
    def name(self) -> str:
        """What tells this shelf from others."""
        ...

    def put(self, digest: str, key: str, seconds: float) -> None:
        """Keep a session of a key's id, or of what is noted of a token, for so long."""
        ...

    def key(self, digest: str) -> str | None:
        """The key's id, or the note, of a session that has not ended."""
        ...

    def drop(self, digest: str) -> None:
        """Forget one; forgetting what is not there is no error."""
        ...


class Sessions:
    """Safe to use from many threads and processes. A key that is revoked or expires ends its
    sessions with the next request."""

    def __init__(self, shelf: Shelf, keys: Keys, seconds: float = SECONDS) -> None:
        self._shelf = shelf
        self._keys = keys
        self._seconds = seconds
        # Cookies know no ports: two servers on one machine must not sign each other's users out.
        self.cookie = f"mnemon_{hashlib.sha256(shelf.name.encode()).hexdigest()[:8]}"

    def begin(self, key: Key) -> str:
        """A new session of a key: what goes into the cookie."""
        return self._begun(key.id, self._seconds)

    def begin_noted(self, note: str, seconds: float) -> str:
        """One of an access token, which ends with it at the latest; `note` is a JSON object."""
        return self._begun(note, min(seconds, self._seconds))

    def _begun(self, who: str, seconds: float) -> str:
        id = secrets.token_urlsafe(32)
        self._shelf.put(_digest(id), who, seconds)
        return id

    def key(self, id: str | None) -> Key | None:
        """The key of a session, if both are alive."""
        key = self._shelf.key(_digest(id)) if id else None
        return None if key is None else self._keys.living(key)

    def note(self, id: str | None) -> str | None:
        """What was noted of the access token of a session; None of a session of a key."""
        found = self._shelf.key(_digest(id)) if id else None
        return found if found is not None and found.startswith("{") else None

    def end(self, id: str | None) -> None:
        """Sign out; ending what is not there is no error."""
        if id:
            self._shelf.drop(_digest(id))


def _digest(id: str) -> str:
    return hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()
