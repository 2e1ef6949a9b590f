"""A Redis server (or one that speaks its protocol): `redis://host:6379/0`; a string a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mnemon.errors import PlaceFailed
from mnemon.kv.tiers.places import checked, is_key
from mnemon.kv.tiers.places.fetched import Fetched
from mnemon.models.extras import require

_PREFIX = "mnemon:kv:"
_MOST = 512 * 2**20
"""A string of Redis is no longer than that."""


class Redis:
    """Blobs as strings under `mnemon:kv:<key>`.

    A server that does not answer for `socket_timeout` seconds (5; `?socket_timeout=…` in the URL
    sets another) counts as unreachable.
    """

    def __init__(self, url: str) -> None:
        self._library = require("redis", "redis", "tiers")
        self.shown = url.rpartition("@")[2]
        # A blob that cannot be had at once is computed: trying again would only take longer.
        once = self._library.retry.Retry(self._library.backoff.NoBackoff(), 0)
        self._server: Any = self._library.Redis.from_url(
            url, **{"socket_timeout": 5.0, "socket_connect_timeout": 3.0, "retry": once}
        )

    def open(self, key: str) -> Fetched | None:
        """The whole string, fetched."""
        with self._told():
            data = self._server.get(self._name(key))
        return None if data is None else Fetched(data)

    def sample(self, key: str, begin: int, end: int) -> bytes | None:
        """Some bytes of it."""
        with self._told():
            data = self._server.getrange(self._name(key), begin, end - 1)
        return bytes(data) or None

    def size(self, key: str) -> int | None:
        """Bytes of the string, or None."""
        with self._told():
            return int(self._server.strlen(self._name(key))) or None

    def write(self, key: str, data: bytes | bytearray) -> None:
        """Set the string."""
        if len(data) > _MOST:
            raise PlaceFailed(f"Redis holds at most {_MOST} bytes a key, and this has {len(data)}")
        with self._told():
            self._server.set(self._name(key), bytes(data))

    def delete(self, keys: Iterable[str], *, halves: bool = True) -> int:
        """Remove strings."""
        names = [self._name(key) for key in keys]
        with self._told():
            return int(self._server.delete(*names)) if names else 0

    def sizes(self) -> dict[str, int]:
        """Every key and its bytes."""
        with self._told():
            names = [one.decode() for one in self._server.scan_iter(f"{_PREFIX}*", count=1000)]
            names = sorted({one for one in names if is_key(one.removeprefix(_PREFIX))})
            pipe = self._server.pipeline(transaction=False)
            for name in names:
                pipe.strlen(name)
            sizes = pipe.execute()
        return {n.removeprefix(_PREFIX): int(s) for n, s in zip(names, sizes, strict=True) if s}

    def close(self) -> None:
        """Close connections."""
        self._server.close()

    def _name(self, key: str) -> str:
        return _PREFIX + checked(key)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._library.RedisError as error:
            raise PlaceFailed(f"Redis at {self.shown} cannot be used: {error}") from error
