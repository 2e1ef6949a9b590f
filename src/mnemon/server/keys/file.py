"""Keys in a file beside the store: `<store>-keys.json`, replaced whole at every change."""

from __future__ import annotations

import fcntl
import hmac
import json
import os
from collections.abc import Sequence
from pathlib import Path

from mnemon.errors import StoreCorrupt
from mnemon.server.keys.key import Key, read
from mnemon.server.keys.keys import Keys
from mnemon.server.keys.shelf import Decide
from mnemon.wire.plain import plain


class KeyFile:
    """See `shelf.Shelf` for what each method promises."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = os.fspath(path)
        self._seen: tuple[tuple[int, int, int] | None, tuple[Key, ...]] = (None, ())

    def in_use(self) -> bool:
        return bool(self.known())

    def known(self) -> tuple[Key, ...]:
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
            return tuple(map(read, json.loads(self.path.read_text("utf-8"))["keys"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreCorrupt(
                f"the key file {self.path} cannot be read ({error}): restore it from a copy, or "
                "move it away and add new keys"
            ) from error

    def of_digest(self, sha256: str) -> Key | None:
        found = None
        for key in self.known():  # as long for a wrong one as for a right one
            if hmac.compare_digest(key.sha256, sha256):
                found = key
        return found

    def of_id(self, id: str) -> Key | None:
        return next((key for key in self.known() if key.id == id), None)

    def change(self, decide: Decide) -> Sequence[Key]:
        with self.path.with_name(f".{self.path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self.known()
            changed = decide(known)
            self._write([*{key.id: key for key in (*known, *changed)}.values()])
        return changed

    def _write(self, keys: Sequence[Key]) -> None:
        partial = self.path.with_name(f".{self.path.name}.partial")
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"keys": plain(keys)}, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)


def place(store: Path) -> Path:
    """Where the keys of a store lie."""
    return store.with_name(f"{store.name}-keys.json")


def beside(store: Path) -> Keys:
    """The keys of a store that one machine serves."""
    return Keys(KeyFile(place(store)))
