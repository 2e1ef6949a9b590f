"""Making, finding and ending API keys, wherever they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mnemon import namespace as paths
from mnemon.errors import InvalidInput, NotFound
from mnemon.server import rates
from mnemon.server.keys.key import VERBS, Key, digest, new_id, new_token
from mnemon.server.keys.shelf import Shelf


class Keys:
    """The keys of a store; another process's change is seen by the next look."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def in_use(self) -> bool:
        """Whether there ever was a key: from then on every call needs one."""
        return self._shelf.in_use()

    def known(self) -> tuple[Key, ...]:
        """All of them, revoked and expired ones included, oldest first.

        Raises:
            StoreCorrupt: they cannot be read; nobody is let in by what nobody can read.
        """
        return self._shelf.known()

    def find(self, token: str) -> Key | None:
        """The key of a token if it is alive."""
        return _living(self._shelf.of_digest(digest(token)))

    def living(self, id: str) -> Key | None:
        """The key with an id if it is alive."""
        return _living(self._shelf.of_id(id))

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
        token = new_token()
        key = Key(
            new_id(), name, digest(token), scope, tuple(verbs), datetime.now(UTC),
            expires_at, rate=None if rate is None else rates.parse(rate).text,
        )  # fmt: skip
        self._shelf.change(lambda known: [key])
        return token, key

    def revoke(self, id: str) -> Key:
        """End a key at once.

        Raises:
            NotFound: no such key.
        """

        def ended(known: Sequence[Key]) -> list[Key]:
            key = _with_id(known, id)
            return [replace(key, revoked_at=key.revoked_at or datetime.now(UTC))]

        (key,) = self._shelf.change(ended)
        return key

    def rotate(self, id: str, overlap: timedelta) -> tuple[str, Key]:
        """A new key like an old one, which goes on for `overlap` so that users can change over.

        Raises:
            NotFound: no such key, or it is dead already.
        """
        token, now = new_token(), datetime.now(UTC)

        def followed(known: Sequence[Key]) -> list[Key]:
            old = _with_id(known, id)
            if not old.alive(now):
                raise NotFound(f"key {id} ({old.name}) is no longer alive: add a new one")
            end = min(now + overlap, old.expires_at or datetime.max.replace(tzinfo=UTC))
            new = replace(old, id=new_id(), sha256=digest(token), created_at=now)
            return [replace(old, expires_at=end), new]

        _, new = self._shelf.change(followed)
        return token, new

    def take_in(self, others: Sequence[Key]) -> list[Key]:
        """Write keys of elsewhere that are not here yet, or end sooner there; which they were."""

        def missing(known: Sequence[Key]) -> list[Key]:
            mine = {key.id: _end(key) for key in known}
            return [key for key in others if key.id not in mine or _end(key) < mine[key.id]]

        return list(self._shelf.change(missing))


def _living(key: Key | None) -> Key | None:
    return key if key is not None and key.alive(datetime.now(UTC)) else None


def _end(key: Key) -> datetime:
    never = datetime.max.replace(tzinfo=UTC)
    return min(key.revoked_at or never, key.expires_at or never)


def _with_id(keys: Sequence[Key], id: str) -> Key:
    for key in keys:
        if key.id == id:
            return key
    raise NotFound(f"there is no key {id!r}: `mnemon key list` shows them")
