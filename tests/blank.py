"""New stores in no time: thousands are made, each by all migrations, and all come out the same."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from mnemon.store.sqlite.connection import MEMORY, Connections


class Blank:
    """A store that the migrations have made, as a file and in memory; stores that are not there
    yet begin as its copies. A store with a limit of bytes is made as it would be."""

    def __init__(self, folder: Path) -> None:
        self._layout = sys.modules["mnemon.store.sqlite.migrate"]
        self._scripts = self._layout.scripts
        self._connect = Connections._connect
        self._file, self._numbers = folder / "blank.db", count()
        self._made(str(self._file)).close()
        self._memory = self._made(MEMORY)

    def _made(self, path: str) -> Connections:
        made = Connections(path, read_only=False, timeout=1, max_bytes=None)
        self._layout.migrate(made.writer(), path)
        return made

    def connect(self, opened: Connections) -> sqlite3.Connection:
        """What takes the place of `Connections._connect`."""
        if self._layout.scripts is not self._scripts or opened._max_bytes is not None:
            return self._connect(opened)
        if opened.path == MEMORY:
            connection = self._connect(opened)
            self._memory.writer().backup(connection)
            return connection
        if not opened.read_only and not os.path.lexists(opened.path):
            self._place(opened.path)
        return self._connect(opened)

    def _place(self, path: str) -> None:
        # A link is there whole or not at all, and never in place of what another has just made.
        copy = f"{self._file}-{next(self._numbers)}"
        shutil.copyfile(self._file, copy)
        with suppress(OSError):  # what is wrong with the path, opening it tells
            os.link(copy, path)
        Path(copy).unlink()


@contextmanager
def copied(folder: Path) -> Iterator[None]:
    """Meanwhile, new stores of this process are copies."""
    blank = Blank(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connections, "_connect", lambda opened: blank.connect(opened))
        yield
    blank._memory.close()
