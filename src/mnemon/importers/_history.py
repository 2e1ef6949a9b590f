"""A history on disk: one file, a folder or a zip archive, read as a stream that counts bytes."""

from __future__ import annotations

import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from mnemon.errors import ImportFailed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD = 1 << 16
"""How many bytes of a file are looked at to tell its format."""

# Photographs and recordings travel in the same archives; counting them would stop the bar early.
_TEXT = (".json", ".jsonl", ".ndjson", ".md", ".markdown", ".txt")

# What a damaged, encrypted or unsupported archive raises, depending on where it is damaged.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)


class History:
    """What an importer reads from: `path` is a file, a folder, or a zip archive of files.

    Files are named by their path inside the history, with `/`. Hidden files and folders are no
    part of it. `total` is the size of its text files in bytes; `consumed` grows towards it.

    Raises:
        ImportFailed: there is nothing at `path`, or it is a damaged archive.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.consumed = 0
        self._archive: zipfile.ZipFile | None = None
        self._reached: dict[str, int] = {}
        try:
            self._sizes = self._list()
        except _DAMAGE as error:
            raise ImportFailed(f"cannot open {self.path}: {error}") from error
        whole = self._single
        self.total = sum(
            size for name, size in self._sizes.items() if whole or name.lower().endswith(_TEXT)
        )

    def files(self, pattern: str = "*") -> list[str]:
        """Names of the files whose last parts match `pattern`, sorted.

        A history that is one file answers with that file: who names a file means it.
        """
        if self._single:
            return list(self._sizes)
        return sorted(name for name in self._sizes if PurePosixPath(name).match(pattern))

    def open(self, name: str | None = None, *, counted: bool = True) -> io.BufferedReader:
        """A file of the history as bytes, the only one when `name` is None.

        Reading it moves `consumed`, by its furthest byte; `counted=False` looks without moving.

        Raises:
            ImportFailed: it cannot be opened; reading raises so too in a damaged archive.
        """
        name = next(iter(self._sizes)) if name is None and self._single else name
        if name not in self._sizes:
            raise ImportFailed(f"{self.path} has no file {name!r}")
        try:
            source = self._source(name)
        except _DAMAGE as error:
            raise ImportFailed(f"cannot open {name} in {self.path}: {error}") from error
        advance = self._advance if counted else _ignore
        return io.BufferedReader(_Counted(source, name, advance), HEAD)

    def modified(self, name: str) -> datetime | None:
        """When a file was last changed, in UTC (an archive records no zone: taken as UTC)."""
        try:
            if self._archive is not None:
                return datetime(*self._archive.getinfo(name).date_time, tzinfo=UTC)
            path = self.path if self._single else self.path / name
            return datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except (ValueError, OSError, OverflowError):
            return None

    def close(self) -> None:
        """Let go of the archive, if it is one."""
        if self._archive is not None:
            self._archive.close()

    @property
    def _single(self) -> bool:
        return self._archive is None and list(self._sizes) == [self.path.name]

    def _list(self) -> dict[str, int]:
        if self.path.is_dir():
            return _walk(self.path)
        if self.path.suffix.lower() != ".zip":
            return {self.path.name: self.path.stat().st_size}
        self._archive = zipfile.ZipFile(self.path)
        return {
            entry.filename: entry.file_size
            for entry in self._archive.infolist()
            if not entry.is_dir() and not _hidden(entry.filename)
        }

    def _source(self, name: str) -> IO[bytes]:
        if self._archive is not None:
            return self._archive.open(name)
        path = self.path if self._single else self.path / name
        return path.open("rb", buffering=0)

    def _advance(self, name: str, position: int) -> None:
        gained = position - self._reached.get(name, 0)
        if gained > 0:
            self._reached[name] = position
            self.consumed += gained


class _Counted(io.RawIOBase):
    """Raw bytes of one file that tell how far they were read."""

    def __init__(self, source: IO[bytes], name: str, advance: Callable[[str, int], None]) -> None:
        self._source = source
        self.name = name
        self._advance = advance
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._source.read(len(view))
        except _DAMAGE as error:
            raise ImportFailed(f"{self.name} is damaged: {error}") from error
        view[: len(data)] = data
        self._position += len(data)
        self._advance(self.name, self._position)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def opening(path: Path, head: bytes, pattern: str) -> bytes:
    """The first bytes to judge by: `head` of a file, or of the first match in a folder or zip."""
    if not path.is_dir() and path.suffix.lower() != ".zip":
        return head
    try:
        history = History(path)
        names = history.files(pattern)
        if not names:
            return b""
        with history.open(names[0]) as stream:
            return stream.read(HEAD)
    except ImportFailed:
        return b""


def listing(path: Path) -> list[str]:
    """The names in a folder or archive; none for a plain file or what cannot be opened."""
    if not path.is_dir() and path.suffix.lower() != ".zip":
        return []
    try:
        return History(path).files()
    except ImportFailed:
        return []


def _walk(folder: Path) -> dict[str, int]:
    sizes = {}
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _hidden(name))
        for name in names:
            file = Path(here, name)
            if not _hidden(name) and file.is_file():
                sizes[file.relative_to(folder).as_posix()] = file.stat().st_size
    return sizes


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _ignore(name: str, position: int) -> None:
    return None
