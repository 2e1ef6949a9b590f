"""The log in files beside the store, `<store>-audit.jsonl`, appended to by any number of processes.

An entry a line. `<store>-audit.head` says where the log ended last: cutting entries off the end
leaves a chain that is whole, and only something outside the chain can tell.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from mnemon.errors import InvalidInput, StoreError, StoreFull
from mnemon.server.audit.entry import GENESIS, Entry, drafted, read
from mnemon.server.audit.log import AuditLog, Head, Line

ROTATE_BYTES = 64 * 2**20
_HEAD_BYTES = 256
_TAIL_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class End(Head):
    """The same, and the file's bytes."""

    size: int


class AuditFile(AuditLog):
    """See `AuditLog` for what each method promises. A file that a killed process left torn is
    mended by the next entry."""

    def __init__(self, store: Path, rotate_bytes: int = ROTATE_BYTES) -> None:
        self.path = store.with_name(f"{store.name}-audit.jsonl")
        self.head_path = store.with_name(f"{store.name}-audit.head")
        self._most = rotate_bytes
        self._lock, self._syncing = threading.Lock(), threading.Lock()
        self._written = self._synced = 0

    @property
    def where(self) -> str:
        return str(self.path)

    def empty(self) -> bool:
        return not self.files()

    def append_each(self, drafts: Sequence[Entry]) -> list[Entry]:
        try:
            with self._lock, self._held() as head_file:
                entries = self._write(head_file, self._current(head_file), drafts)
                self._written = entries[-1].seq
            self._sync(entries[-1].seq)
        except OSError as error:
            kind = StoreFull if error.errno == 28 else StoreError
            raise kind(
                f"the audit log {self.path} cannot be written ({error}): what was asked may have "
                "been done, and is not in the log"
            ) from error
        return entries

    def files(self) -> list[Path]:
        """Its files, oldest first."""
        stem = self.path.name.removesuffix(".jsonl")
        older = sorted(self.path.parent.glob(f"{stem}-{'[0-9]' * 12}.jsonl"))
        return [*older, *([self.path] if self.path.exists() else [])]

    def entries(self) -> Iterator[Line]:
        for path in self.files():
            with path.open("rb") as file:
                for line in file:
                    yield line, read(line)

    @contextmanager
    def moment(self) -> Iterator[tuple[Head | None, Iterator[Line]]]:
        with ExitStack() as stack:
            with self.frozen():
                head = self.head()
                files = [stack.enter_context(path.open("rb")) for path in self.files()]
                sizes = [os.fstat(file.fileno()).st_size for file in files]
            yield head, _lines(zip(files, sizes, strict=True))

    def continue_from(self, other: AuditLog) -> None:
        raise InvalidInput(
            f"an audit log of a file is files: copy those of the other one to {self.path.stem}* "
            "before anything is written there"
        )

    def head(self) -> End | None:
        """Where the log ended last; None when that is not known."""
        try:
            return _head(self.head_path.read_bytes())
        except FileNotFoundError:
            return None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nobody appends meanwhile."""
        with self._lock, self._held():
            yield

    @contextmanager
    def _held(self) -> Iterator[int]:
        handle = os.open(self.head_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)

    def _current(self, head_file: int) -> End:
        head, size = _head(os.pread(head_file, _HEAD_BYTES, 0)), _size(self.path)
        if head is not None and head.size == size:
            return head
        if head is None and not self.files():
            return End(0, GENESIS, 0)
        return self._mended(head_file, head)

    def _mended(self, head_file: int, head: End | None) -> End:
        """The head after a crash or a change from outside; what was found becomes an entry, unless
        it was only the head that a killed process had no time to write."""
        torn = _cut_torn(self.path)
        found, same = self._seen(head)
        detail: dict[str, Any] = {"torn_bytes": torn} if torn else {}
        if head is None:
            detail["head"] = "missing"
        elif head.seq > found.seq:
            detail |= {"lost_from": found.seq + 1, "lost_to": head.seq}
            found = head  # the numbers go on after what is lost, so that the gap stays to be seen
        elif not same:
            detail["changed"] = head.seq
        now = End(found.seq, found.hash, _size(self.path))
        if not detail:
            return now
        mend = drafted("audit", "mend", "done", detail=detail)
        (entry,) = self._write(head_file, now, [mend])
        return End(entry.seq, entry.hash, _size(self.path))

    def _seen(self, head: End | None) -> tuple[End, bool]:
        """The end as the entries have it, and whether the one of a head is among them."""
        last, same = End(0, GENESIS, 0), head is not None and head.seq == 0
        for _, entry in self.entries():
            if entry is not None:
                last = End(entry.seq, entry.hash, 0)
                same |= head is not None and (head.seq, head.hash) == (entry.seq, entry.hash)
        return last, same

    def _write(self, head_file: int, last: End, drafts: Sequence[Entry]) -> list[Entry]:
        """Drafts as the entries that follow the last one; a file gets all of its lines at once."""
        entries: list[Entry] = []
        lines: list[bytes] = []
        for draft in drafts:
            at = datetime.now(UTC).isoformat(timespec="microseconds")
            entry = draft.following(last.seq, last.hash, at)
            line, size = entry.line(), last.size
            if size and size + len(line) > self._most:
                self._put(head_file, last, lines)
                self._put_aside()
                lines, size = [], 0
            lines.append(line)
            entries.append(entry)
            last = End(entry.seq, entry.hash, size + len(line))
        self._put(head_file, last, lines)
        return entries

    def _put(self, head_file: int, head: End, lines: Sequence[bytes]) -> None:
        """Append lines to the file, which then ends as a head says."""
        if not lines:
            return
        more = b"".join(lines)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if os.write(handle, more) < len(more):
                os.ftruncate(handle, head.size - len(more))
                raise OSError(28, "no space left")
        finally:
            os.close(handle)
        told = json.dumps({"seq": head.seq, "hash": head.hash, "size": head.size})
        os.pwrite(head_file, told.ljust(_HEAD_BYTES - 1).encode() + b"\n", 0)

    def _put_aside(self) -> None:
        """Let the next entry begin a new file: this one is full."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
            first = read(file.readline())
        number = 0 if first is None else first.seq
        stem = self.path.name.removesuffix(".jsonl")
        self.path.rename(self.path.with_name(f"{stem}-{number:012}.jsonl"))

    def _sync(self, seq: int) -> None:
        # One fsync serves all threads that wrote before it began.
        with self._syncing:
            if self._synced >= seq:
                return
            written = self._written
            # Another process that puts the file aside has synced it before.
            with suppress(FileNotFoundError), self.path.open("rb") as file:
                os.fsync(file.fileno())
            self._synced = written


def beside(store: Path) -> AuditFile:
    """The audit log of a store that one machine serves."""
    return AuditFile(store)


def _lines(files: Iterable[tuple[BinaryIO, int]]) -> Iterator[Line]:
    for file, size in files:
        while file.tell() < size:
            line = file.readline()
            yield line, read(line)


def _head(told: bytes) -> End | None:
    try:
        return End(**json.loads(told))
    except (ValueError, TypeError):
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _cut_torn(path: Path) -> int:
    """Cut a last line that was not written whole; its bytes."""
    if not _size(path):
        return 0
    with path.open("r+b") as file:
        size = _size(path)
        begin = max(0, size - _TAIL_BYTES)
        file.seek(begin)
        whole = begin + file.read().rfind(b"\n") + 1
        if whole < size:
            file.truncate(whole)
        return size - whole
