"""One API key: what it reaches, what it may do there, and until when.

A token is 256 random bits, so one SHA-256 is enough: there is nothing to guess by a dictionary.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mnemon.wire.values import revive

VERBS = ("read", "write", "forget", "admin", "watch")
ROLES = {
    "reader": ("read",),
    "writer": ("read", "write"),
    "editor": ("read", "write", "forget"),
    "admin": ("read", "write", "forget", "admin"),
    "watcher": ("watch",),
    "owner": VERBS,
}
"""Words for sets of verbs; a key keeps the verbs."""

PREFIX = "mnemon_"
"""What tokens begin with."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `namespaces` are the paths it reaches, with all below them; None is everything.
    `rate` is how often it may ask, such as `50/s`; None is as often as it likes."""

    id: str
    name: str
    sha256: str
    namespaces: tuple[str, ...] | None
    verbs: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    rate: str | None = None

    @property
    def role(self) -> str | None:
        """The name of its set of verbs, if there is one."""
        mine = set(self.verbs)
        return next((name for name, verbs in ROLES.items() if mine == set(verbs)), None)

    def alive(self, now: datetime) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def read(told: Mapping[str, Any]) -> Key:
    """A key as it is kept.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is none.
    """
    found: Key = revive(Key, told)
    return found


def new_id() -> str:
    """An id for a key."""
    return secrets.token_hex(4)


def new_token() -> str:
    """What a caller will send."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
