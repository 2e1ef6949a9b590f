"""Connections to one SQLite file: many readers, one writer, SQLite's errors in our words."""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mnemon import errors
from mnemon.store.sqlite.turn import Turns

APPLICATION_ID = 0x4D6E656D  # "Mnem"
MEMORY = ":memory:"
_MOST_PAGES = 2**30
_HEADER = b"SQLite format 3\x00"


class Connections:
    """Readers come from a pool and see one snapshot each; a `:memory:` store has one connection.

    Safe to use from many threads, and from a child process after a fork.
    """

    def __init__(
        self, path: str, *, read_only: bool, timeout: float, max_bytes: int | None
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._open = True
        self._start()
        if path != MEMORY:
            _check_file(Path(path), read_only)

    def _start(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._idle: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self._turns = Turns(self.path, self._timeout)

    def _settle(self) -> None:
        if not self._open:
            raise errors.StoreClosed("this memory was closed: open it again with Memory(path)")
        if self._pid != os.getpid():
            self._leave_parent()

    def _leave_parent(self) -> None:
        # SQLite connections must not cross a fork. The child closes its copies before it opens its
        # own, so that SQLite takes real locks for those; one caught in the middle of a write is
        # left alone, since rolling it back would touch the index it shares with the parent.
        inherited, writer, turns = self._idle, self._writer, self._turns
        self._start()
        turns.close()
        if self.path == MEMORY:
            self._writer = writer  # private to each process by nature
            return
        everyone = [*inherited, *([writer] if writer else [])]
        self._abandoned = [one for one in everyone if one.in_transaction]
        for connection in everyone:
            if not connection.in_transaction:
                connection.close()

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever uses the writing connection."""
        self._settle()
        return self._lock

    def writer(self) -> sqlite3.Connection:
        """The one writing connection; hold `lock` while using it."""
        self._settle()
        if self.read_only:
            raise errors.StoreReadOnly(f"{self.path} was opened with read_only=True")
        if self._writer is None:
            self._writer = self._connect()
        return self._writer

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The writing connection in a transaction, as soon as no other process is in one; hold
        `lock` meanwhile. What is not committed when the block ends is rolled back."""
        connection = self.writer()
        with ExitStack() as stack:
            line = self.path != MEMORY and self._turns.taken
            if line or not self._begun(connection):
                stack.enter_context(self._turns.turn())
                connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _begun(self, connection: sqlite3.Connection) -> bool:
        """Whether a transaction could begin at once."""
        if self.path == MEMORY:
            connection.execute("BEGIN IMMEDIATE")
            return True
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        finally:
            connection.execute(f"PRAGMA busy_timeout = {round(self._timeout * 1000)}")
        return True

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a read transaction: every statement sees the same moment."""
        self._settle()
        if self.path == MEMORY:
            with self.lock, translated(self.path):
                yield self.writer()
            return
        with translated(self.path):
            connection = self._take()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._open:
            self._idle.append(connection)
        else:
            connection.close()

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        with translated(self.path):
            name = self.path
            if name != MEMORY:
                mode = "ro" if self.read_only else "rwc"
                name = f"{Path(name).absolute().as_uri()}?mode={mode}"
            connection = sqlite3.connect(
                name,
                uri=name != MEMORY,
                timeout=self._timeout,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
            try:
                self._configure(connection)
            except BaseException:
                connection.close()
                raise
            return connection

    def _configure(self, connection: sqlite3.Connection) -> None:
        # FULL: a commit is on the disk when it returns. secure_delete: freed bytes are zeroed.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA cache_size = -16000")
        self._bound(connection)

    def _bound(self, connection: sqlite3.Connection) -> None:
        if self._max_bytes is not None:
            size = connection.execute("PRAGMA page_size").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {max(1, self._max_bytes // size)}")

    @contextmanager
    def unbounded(self) -> Iterator[None]:
        """Let the writing connection grow the file beyond `max_bytes` for a while."""
        with self.lock, translated(self.path):
            self.writer().execute(f"PRAGMA max_page_count = {_MOST_PAGES}")
            try:
                yield
            finally:
                self._bound(self.writer())

    def __del__(self) -> None:
        # A memory that nobody closed: give its files back when it is collected.
        if getattr(self, "_open", False):
            self.close()

    def close(self) -> None:
        """Close every connection; the last one out checkpoints the write-ahead log."""
        self._open = False
        if self._pid != os.getpid():
            return
        with self._lock:
            for connection in (*self._idle, *([self._writer] if self._writer else [])):
                connection.close()
            self._idle, self._writer = [], None
            self._turns.close()


def _check_file(path: Path, read_only: bool) -> None:
    if not path.parent.is_dir():
        raise errors.StoreError(f"cannot open {path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise errors.StoreError(f"cannot open {path}: it is a folder; name a file in it")
    if not path.exists():
        if read_only:
            raise errors.StoreError(f"cannot open {path} read-only: there is no such file")
        return
    if not read_only and not os.access(path, os.W_OK):
        raise errors.StoreReadOnly(
            f"{path} may not be written: change its permissions, or open it with read_only=True"
        )
    for wait in (0.05, 0.2, None):
        told, size = _told_size(path), path.stat().st_size
        if told <= size or _has_log(path):
            return
        if wait is None:
            raise errors.StoreCorrupt(
                f"{path} is truncated: {size:,} bytes where its header says {told:,}. "
                "Restore it from a copy or an export; nothing was changed"
            )
        time.sleep(wait)  # another process may be rewriting the file: look again


def _told_size(path: Path) -> int:
    """Bytes that a file's header says it has; 0 for an empty file."""
    with path.open("rb") as file:
        head = file.read(100)
    if head and (len(head) < 100 or not head.startswith(_HEADER)):
        raise errors.StoreCorrupt(f"{path} is no Mnemon store: it is not a SQLite file")
    if not head:
        return 0
    page_size, pages = struct.unpack(">H", head[16:18])[0], struct.unpack(">I", head[28:32])[0]
    return int(pages * (65536 if page_size == 1 else page_size))


def _has_log(path: Path) -> bool:
    log = Path(f"{path}-wal")
    return log.exists() and log.stat().st_size > 0


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn SQLite's errors into ours, with what to do about them."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise errors.InvalidText(f"{error.object[:80]!r} has a lone surrogate: mend it") from error
    except OverflowError as error:
        raise errors.InvalidInput(
            "a number here has more than 64 bits: give a smaller one"
        ) from error
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if isinstance(code, int) else None
        kind, advice = _MEANING.get(primary, (errors.StoreError, ""))
        raise kind(f"{path}: {error}{advice}") from error


_MEANING: dict[int | None, tuple[type[errors.StoreError], str]] = {
    sqlite3.SQLITE_BUSY: (
        errors.StoreBusy,
        ": another process held the store longer than the timeout; try again",
    ),
    sqlite3.SQLITE_LOCKED: (errors.StoreBusy, ": try again"),
    sqlite3.SQLITE_FULL: (
        errors.StoreFull,
        ": nothing of this write was kept, everything before it is safe; make room and repeat it",
    ),
    sqlite3.SQLITE_READONLY: (
        errors.StoreReadOnly,
        ": change the file's permissions, or open it with read_only=True",
    ),
    sqlite3.SQLITE_CORRUPT: (
        errors.StoreCorrupt,
        ": the file is damaged; run `mnemon fsck`, then restore a copy or an export",
    ),
    sqlite3.SQLITE_NOTADB: (errors.StoreCorrupt, ": this is no Mnemon store"),
    sqlite3.SQLITE_CANTOPEN: (
        errors.StoreError,
        ": check that the path exists and may be read",
    ),
}
