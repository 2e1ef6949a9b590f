"""API keys: who may do what in which namespaces. A file beside the store, tokens only as hashes.

A token is 256 random bits, so one SHA-256 is enough: there is nothing to guess by a dictionary.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mnemon import namespace as paths
from mnemon.errors import InvalidInput, NotFound, StoreCorrupt
from mnemon.server import rates
from mnemon.wire.plain import plain
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


class Keys:
    """The keys in a file; another process's change is seen by the next look."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = os.fspath(path)
        self._seen: tuple[tuple[int, int, int] | None, tuple[Key, ...]] = (None, ())

    def known(self) -> tuple[Key, ...]:
        """All of them, revoked and expired ones included, oldest first.

        Raises:
            StoreCorrupt: the file cannot be read; nobody is let in by a file that nobody can read.
        """
        try:
            told = os.stat(self._name)  # noqa: PTH116 - at every request, and this is faster
        except FileNotFoundError:
            return ()
        stamp = (told.st_ino, told.st_mtime_ns, told.st_size)
        if self._seen[0] != stamp:
            self._seen = stamp, self._read()
        return self._seen[1]

    def _read(self) -> tuple[Key, ...]:
        try:
            told = json.loads(self.path.read_text("utf-8"))["keys"]
            return tuple(revive(Key, one) for one in told)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreCorrupt(
                f"the key file {self.path} cannot be read ({error}): restore it from a copy, or "
                "move it away and add new keys"
            ) from error

    def find(self, token: str) -> Key | None:
        """The key of a token if it is alive. Takes as long for a wrong token as for a right one."""
        digest, found = _digest(token), None
        for key in self.known():
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found if found is not None and found.alive(datetime.now(UTC)) else None

    def add(
        self,
        name: str,
        namespaces: Sequence[str] | None,
        verbs: Sequence[str] = VERBS,
        expires_at: datetime | None = None,
        rate: str | None = None,
    ) -> tuple[str, Key]:
        """A new key and its token, which is shown this once and kept nowhere.

        Raises:
            InvalidInput: no name, no such verb, no namespace at all, or no rate.
        """
        if not name.strip():
            raise InvalidInput("a key needs a name: it is who acts, in the journal and in policies")
        unknown = [verb for verb in verbs if verb not in VERBS]
        if unknown or not verbs:
            raise InvalidInput(f"a key's verbs are some of {', '.join(VERBS)}, not {list(verbs)}")
        if namespaces is not None and not namespaces:
            raise InvalidInput("say which namespaces the key reaches; None means all of the store")
        scope = None if namespaces is None else tuple(paths.check(one) for one in namespaces)
        token = PREFIX + secrets.token_urlsafe(32)
        key = Key(
            secrets.token_hex(4), name, _digest(token), scope, tuple(verbs), datetime.now(UTC),
            expires_at, rate=None if rate is None else rates.parse(rate).text,
        )  # fmt: skip
        with self._changing() as keys:
            keys.append(key)
        return token, key

    def revoke(self, id: str) -> Key:
        """End a key at once.

        Raises:
            NotFound: no such key.
        """
        with self._changing() as keys:
            at = _index(keys, id)
            keys[at] = replace(keys[at], revoked_at=keys[at].revoked_at or datetime.now(UTC))
            return keys[at]

    def rotate(self, id: str, overlap: timedelta) -> tuple[str, Key]:
        """A new key like an old one, which goes on for `overlap` so that users can change over.

        Raises:
            NotFound: no such key, or it is dead already.
        """
        now = datetime.now(UTC)
        token = PREFIX + secrets.token_urlsafe(32)
        with self._changing() as keys:
            old = keys[_index(keys, id)]
            if not old.alive(now):
                raise NotFound(f"key {id} ({old.name}) is no longer alive: add a new one")
            end = min(now + overlap, old.expires_at or datetime.max.replace(tzinfo=UTC))
            keys[_index(keys, id)] = replace(old, expires_at=end)
            new = replace(old, id=secrets.token_hex(4), sha256=_digest(token), created_at=now)
            keys.append(new)
        return token, new

    @contextmanager
    def _changing(self) -> Iterator[list[Key]]:
        """The keys, to be changed; they are written when the block ends without an error."""
        with self.path.with_name(f".{self.path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            keys = [*self.known()]
            yield keys
            self._write(keys)

    def _write(self, keys: Sequence[Key]) -> None:
        partial = self.path.with_name(f".{self.path.name}.partial")
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"keys": plain(keys)}, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)


def beside(store: Path) -> Keys:
    """The keys of a store: the file `<store>-keys.json`."""
    return Keys(store.with_name(f"{store.name}-keys.json"))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _index(keys: Sequence[Key], id: str) -> int:
    for at, key in enumerate(keys):
        if key.id == id:
            return at
    raise NotFound(f"there is no key {id!r}: `mnemon key list` shows them")
