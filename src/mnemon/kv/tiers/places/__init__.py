"""Places: where blobs lie outside of this process, as bytes under keys. No torch is needed here.

"/var/lib/mnemon/kv", "file:///…"     a folder
"redis://host:6379/0"                 a Redis server (also rediss://, unix://)
"s3://bucket/kv", "memory://kv", …    anything that fsspec knows
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from typing import Self

_KEY = re.compile(r"[0-9a-f]{64}")
_REDIS = ("redis://", "rediss://", "unix://")


class Reading(Protocol):
    """The bytes under one key, as they were when it was opened."""

    @property
    def size(self) -> int:
        """How many."""
        ...

    def into(self, begin: int, room: memoryview) -> int:
        """Fill `room` from `begin` on; how many bytes there were."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class Place(Protocol):
    """All of these raise `PlaceFailed` if the place cannot be reached or refuses."""

    def open(self, key: str) -> Reading | None:
        """What lies under the key, or None."""
        ...

    def sample(self, key: str, begin: int, end: int) -> bytes | None:
        """The bytes `begin … end` under the key, fewer if there are no more; None: no such key."""
        ...

    def size(self, key: str) -> int | None:
        """Bytes under the key, or None."""
        ...

    def write(self, key: str, data: bytes | bytearray) -> None:
        """Put bytes there. Nobody ever sees half of them under the key."""
        ...

    def delete(self, keys: Iterable[str], *, halves: bool = True) -> int:
        """Remove keys; how many there were.

        Args:
            halves: also what others are writing under them, or left half-written.
        """
        ...

    def sizes(self) -> Mapping[str, int]:
        """Every key and its bytes."""
        ...

    def close(self) -> None:
        """Let connections go."""
        ...


def place_of(place: str | Path) -> Place:
    """The place of a path or URL; it is not looked at yet.

    Raises:
        MissingExtra: its package is not installed.
        InvalidInput: fsspec knows no such URL.
    """
    told = str(place)
    if told.startswith(_REDIS):
        from mnemon.kv.tiers.places.redis import Redis

        return Redis(told)
    if told.startswith("file://") or "://" not in told:
        from mnemon.kv.tiers.places.folder import Folder

        return Folder(Path(told.removeprefix("file://")))
    from mnemon.kv.tiers.places.url import Url

    return Url(told)


def delete(place: str | Path, keys: Iterable[str]) -> int:
    """Remove keys from a place; how many there were.

    Raises:
        PlaceFailed: it cannot be reached or refuses: some of them may still be there.
    """
    with closing(place_of(place)) as at:
        return at.delete(keys)


def keys(place: str | Path) -> Iterator[str]:
    """The keys that lie in a place, in no order.

    Raises:
        PlaceFailed: it cannot be reached.
    """
    with closing(place_of(place)) as at:
        yield from at.sizes()


def is_key(text: str) -> bool:
    """Whether it is a key: 64 hexadecimal digits."""
    return _KEY.fullmatch(text) is not None


def checked(key: str) -> str:
    """The key.

    Raises:
        InvalidInput: it is none.
    """
    if not is_key(key):
        raise InvalidInput(f"{key!r} is no key of a blob: give 64 hexadecimal digits")
    return key
