"""A local folder: `<folder>/<two digits>/<key>.safetensors`; half-written files in `partial/`."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.errors import PlaceFailed
from mnemon.kv.tiers.places import checked, is_key

if TYPE_CHECKING:
    from typing import Self

_ENDING = ".safetensors"
_ABANDONED = 3600.0
"""Seconds after which what was half-written is of a process that died."""


class Folder:
    """Blobs as files that only their owner can read. Several processes may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path / "partial"

    def open(self, key: str) -> OpenFile | None:
        """The file of a key; it can be read to its end even if it is deleted meanwhile."""
        with self._told(), contextlib.suppress(FileNotFoundError):
            return OpenFile(os.open(self._file(key), os.O_RDONLY | os.O_CLOEXEC))
        return None

    def sample(self, key: str, begin: int, end: int) -> bytes | None:
        """Some bytes of it."""
        file = self.open(key)
        if file is None:
            return None
        with file:
            room = bytearray(end - begin)
            return bytes(room[: file.into(begin, memoryview(room))])

    def size(self, key: str) -> int | None:
        """Bytes of the file of a key, or None."""
        with self._told(), contextlib.suppress(FileNotFoundError):
            return self._file(key).stat().st_size
        return None

    def write(self, key: str, data: bytes | bytearray) -> None:
        """Written aside, made durable, then renamed; the name is made durable too."""
        partial = self._partial / f"{key}.{os.getpid()}.{secrets.token_hex(4)}"
        final = self._file(key)
        with self._told():
            for folder in (self.path, self._partial, final.parent):
                _made(folder)
            try:
                _written(partial, data)
                partial.replace(final)
            except OSError:
                partial.unlink(missing_ok=True)
                raise
            _durable(final.parent)

    def delete(self, keys: Iterable[str], *, halves: bool = True) -> int:
        """Remove files, and what is half-written under their keys."""
        wanted = {checked(key) for key in keys}
        found: set[Path] = set()
        with self._told():
            for key in wanted:
                with contextlib.suppress(FileNotFoundError):
                    self._file(key).unlink()
                    found.add(self._file(key))
            for file in self._halves() if halves else ():
                if file.name.partition(".")[0] in wanted:
                    file.unlink(missing_ok=True)
            for folder in {file.parent for file in found}:
                _durable(folder)
        return len(found)

    def sizes(self) -> dict[str, int]:
        """Every key and its bytes, oldest first."""
        with self._told():
            found = sorted(self._files(), key=lambda one: one[2])
        return {key: size for key, size, _ in found}

    def close(self) -> None:
        """Nothing is open."""

    def tidy(self) -> None:
        """Remove what processes that died left half-written."""
        with self._told():
            for file in self._halves():
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - file.stat().st_mtime > _ABANDONED:
                        file.unlink()

    def _file(self, key: str) -> Path:
        return self.path / checked(key)[:2] / f"{key}{_ENDING}"

    def _halves(self) -> list[Path]:
        with contextlib.suppress(FileNotFoundError):
            return list(self._partial.iterdir())
        return []

    def _files(self) -> Iterator[tuple[str, int, float]]:
        folders: list[Path] = []
        with contextlib.suppress(FileNotFoundError):
            folders = [one for one in self.path.iterdir() if len(one.name) == 2]
        for folder in folders:
            for file in os.scandir(folder):
                key = file.name.removesuffix(_ENDING)
                with contextlib.suppress(FileNotFoundError):
                    if is_key(key) and file.name.endswith(_ENDING):
                        told = file.stat()
                        yield key, told.st_size, told.st_mtime

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise PlaceFailed(f"the folder {self.path} cannot be used: {error}") from error


class OpenFile:
    """One file that is being read, by any number of threads."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self.size = os.fstat(handle).st_size

    def into(self, begin: int, room: memoryview) -> int:
        """Read until `room` is full or the file ends."""
        done = 0
        while done < len(room):
            try:
                count = os.preadv(self._handle, [room[done:]], begin + done)
            except OSError as error:
                raise PlaceFailed(f"a file of keys and values cannot be read: {error}") from error
            if count == 0:
                break
            done += count
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._handle)


def _made(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _durable(folder.parent)


def _written(file: Path, data: bytes | bytearray) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "wb", buffering=0) as out:  # noqa: PTH123 - a handle, not a path
        view = memoryview(data)
        while len(view):
            view = view[out.write(view) :]
        os.fsync(out.fileno())


def _durable(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
