"""Anything that fsspec knows: `s3://bucket/kv`, `gs://…`, `memory://kv`; an object a key."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mnemon.errors import InvalidInput, PlaceFailed
from mnemon.kv.tiers.places import checked, is_key
from mnemon.kv.tiers.places.fetched import Fetched
from mnemon.models.extras import require

_ENDING = ".safetensors"
_WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "adl", "oci", "oss", "memory"}
"""Protocols in which an object appears with all of its bytes or not at all."""
_SLOW = {"connect_timeout": 3, "read_timeout": 10, "retries": {"max_attempts": 1}}
_OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {"config_kwargs": _SLOW},
    "s3a": {"config_kwargs": _SLOW},
}


class Url:
    """Blobs as objects. Credentials are those that the protocol's own library finds."""

    def __init__(self, url: str) -> None:
        fsspec = require("fsspec", "fsspec", "tiers")
        self.url = url
        protocol = url.partition("://")[0]
        self._whole = protocol in _WHOLE
        try:
            self._fs, root = fsspec.core.url_to_fs(url, **_OPTIONS.get(protocol, {}))
        except (ValueError, ImportError) as error:
            raise InvalidInput(f"the place {url!r} cannot be used: {error}") from error
        self._root = root.rstrip("/")

    def open(self, key: str) -> Fetched | None:
        """The whole object, fetched."""
        with self._told(), suppress(FileNotFoundError):
            return Fetched(self._fs.cat_file(self._path(key)))
        return None

    def sample(self, key: str, begin: int, end: int) -> bytes | None:
        """Some bytes of it."""
        with self._told(), suppress(FileNotFoundError):
            return bytes(self._fs.cat_file(self._path(key), start=begin, end=end))
        return None

    def size(self, key: str) -> int | None:
        """Bytes of the object, or None."""
        with self._told(), suppress(FileNotFoundError):
            self._fs.invalidate_cache()
            return int(self._fs.info(self._path(key))["size"])
        return None

    def write(self, key: str, data: bytes | bytearray) -> None:
        """Put an object there, where that is not atomic under another name first."""
        path = self._path(key)
        with self._told():
            if self._whole:
                self._fs.pipe_file(path, bytes(data))
                return
            partial = f"{self._root}/partial/{key}.{secrets.token_hex(4)}"
            for file in (partial, path):
                self._fs.makedirs(file.rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(partial, bytes(data))
            self._fs.mv(partial, path)

    def delete(self, keys: Iterable[str], *, halves: bool = True) -> int:
        """Remove objects, and what is half-written under their keys."""
        wanted = {checked(key) for key in keys}
        there = [key for key in wanted if self.size(key) is not None]
        with self._told():
            found = self._found("partial") if halves and not self._whole else ()
            gone = [path for path in found if path.rpartition("/")[2].partition(".")[0] in wanted]
            for path in [*map(self._path, there), *gone]:
                with suppress(FileNotFoundError):
                    self._fs.rm_file(path)
        return len(there)

    def sizes(self) -> dict[str, int]:
        """Every key and its bytes."""
        with self._told():
            self._fs.invalidate_cache()
            found = self._found("")
        named = {
            path.rpartition("/")[2].removesuffix(_ENDING): told for path, told in found.items()
        }
        return {key: int(told["size"]) for key, told in named.items() if is_key(key)}

    def close(self) -> None:
        """fsspec keeps its connections for the next who asks."""

    def _found(self, below: str) -> dict[str, Any]:
        with suppress(FileNotFoundError):
            return dict(self._fs.find(f"{self._root}/{below}", detail=True))
        return {}

    def _path(self, key: str) -> str:
        return f"{self._root}/{checked(key)[:2]}/{key}{_ENDING}"

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:  # each protocol's library has errors of its own
            raise PlaceFailed(f"{self.url} cannot be used: {error!r}") from error
