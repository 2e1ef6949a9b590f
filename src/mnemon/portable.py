"""The portable file: a whole memory as JSON lines (gzipped when the name ends in `.gz`).

First line `{"mnemon": 1, …}`, then cubes with every version, links, tombstones, and a last line
with counts and a digest of everything before it. See docs/file-format.md.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from mnemon.errors import ImportFailed, StoreError
from mnemon.importers import History
from mnemon.instant import from_micros, now_micros
from mnemon.portable_records import problem

FORMAT = 1
KINDS = frozenset({"cube", "link", "tombstone", "artifact"})


@dataclass(slots=True)
class ImportReport:
    """What an import did: cubes added, entries that were there already, and what was malformed
    (place and reason of each). `purged` entries were forgotten here for good and stayed so.
    `artifacts` came with their bytes; `recipes` say only how one is made, and are to be made again.
    """

    added: int = 0
    known: int = 0
    purged: int = 0
    links: int = 0
    malformed: list[tuple[str, str]] = field(default_factory=list)
    artifacts: int = 0
    recipes: int = 0


def write(path: Path, written: Iterable[bytes]) -> dict[str, int]:
    """Write lines as one file, then give it its name; counts of what is in it.

    Raises:
        StoreError: the lines broke off; nothing has the name then.
    """
    with Writing(path) as writing:
        writing.add(written)
        return writing.finish()


class Writing:
    """A portable file while it is written: a context, at whose end there is no file unless
    `finish` gave it its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._last = b""
        self._file = _opened(self._partial, path, "wb")

    def __enter__(self) -> Writing:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def add(self, lines: Iterable[bytes]) -> None:
        """Write lines."""
        for self._last in lines:  # the last of all holds the counts
            self._file.write(self._last)

    def finish(self) -> dict[str, int]:
        """Give the file its name; counts of what is in it.

        Raises:
            StoreError: the last line is none of a whole file.
        """
        self._file.close()
        counts = _counts(self._last, self._path)
        self._partial.replace(self._path)
        return counts


def _counts(last: bytes, path: Path) -> dict[str, int]:
    told = json.loads(last) if last.startswith(b'{"end":') else {}
    if "end" not in told:
        raise StoreError(f"{path} was not written: the export broke off before its end; repeat it")
    return cast("dict[str, int]", told["end"])


def lines(records: Iterable[dict[str, Any]], namespace: str | None) -> Generator[bytes]:
    """The file's lines, the last one with counts and the digest of those before."""
    digest = hashlib.sha256()
    counts = {"cube": 0, "link": 0, "tombstone": 0}
    head = {"mnemon": FORMAT, "exported_at": from_micros(now_micros()).isoformat()}
    for record in chain([{**head, "namespace": namespace}], records):
        for kind in KINDS & record.keys():
            counts[kind] = counts.get(kind, 0) + 1
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        digest.update(line)
        yield line
    yield json.dumps({"end": counts, "sha256": digest.hexdigest()}).encode() + b"\n"


def is_portable(path: Path) -> bool:
    """Whether a file begins as a portable file does."""
    if not path.is_file():
        return False
    try:
        with _opened(path, path, "rb") as file:
            return file.read(11).startswith(b'{"mnemon":')
    except (OSError, EOFError, zlib.error):
        return False


def read(history: History, report: ImportReport) -> Iterator[dict[str, Any]]:
    """Records of cubes, links, tombstones, artifacts; what cannot be read is reported, and skipped.

    Raises:
        ImportFailed: no portable file, or one of a newer format.
    """
    path = history.path
    digest = hashlib.sha256()
    ended = False
    number = 0
    with _unpacked(history) as file:
        try:
            for number, line in enumerate(file, start=1):
                record = _parse(line, f"{path.name}:{number}", report)
                if number == 1:
                    _check_head(record, path)
                elif record is not None and "end" in record:
                    ended = True
                    if record.get("sha256") != digest.hexdigest():
                        report.malformed.append((f"{path.name}:{number}", "the digest differs"))
                elif record is not None:
                    wrong = problem(record)
                    if wrong:
                        report.malformed.append((f"{path.name}:{number}", wrong))
                    else:
                        yield record
                digest.update(line)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            report.malformed.append((f"{path.name}:{number + 1}", str(error)))
    if not ended:
        report.malformed.append((f"{path.name}:{number}", "the file ends early: its end is cut"))


def _check_head(record: dict[str, Any] | None, path: Path) -> None:
    if record is None or "mnemon" not in record:
        raise ImportFailed(f"{path} is no portable Mnemon file: its first line says nothing of it")
    if not isinstance(record["mnemon"], int):
        raise ImportFailed(f"{path} has the format {record['mnemon']!r}, which is no number")
    if record["mnemon"] > FORMAT:
        raise ImportFailed(
            f"{path} has format {record['mnemon']}, this Mnemon reads {FORMAT}: upgrade Mnemon"
        )


def _parse(line: bytes, place: str, report: ImportReport) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        report.malformed.append((place, f"not JSON: {error}"))
        return None
    if not isinstance(record, dict):
        report.malformed.append((place, "not a JSON object"))
        return None
    return record


def _unpacked(history: History) -> IO[bytes]:
    file = history.open()
    if history.path.suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    return file


def _opened(path: Path, named: Path, mode: str) -> IO[bytes]:
    if named.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, mode))
    return cast("IO[bytes]", path.open(mode))
