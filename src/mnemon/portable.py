"""The portable file: a whole memory as JSON lines (gzipped when the name ends in `.gz`).

First line `{"mnemon": 1, …}`, then cubes with every version, links, tombstones, and a last line
with counts and a digest of everything before it. See docs/file-format.md.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, cast

from mnemon import intake
from mnemon import namespace as paths
from mnemon.errors import ImportFailed, InvalidInput
from mnemon.importers import History
from mnemon.instant import from_micros, now_micros, to_micros

FORMAT = 1


@dataclass(slots=True)
class ImportReport:
    """What an import did: cubes added, entries that were there already, and what was malformed
    (place and reason of each). `purged` entries were forgotten here for good and stayed so."""

    added: int = 0
    known: int = 0
    purged: int = 0
    links: int = 0
    malformed: list[tuple[str, str]] = field(default_factory=list)


def write(path: Path, records: Iterable[dict[str, Any]], namespace: str | None) -> dict[str, int]:
    """Write the file whole, then give it its name; counts of what is in it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with _opened(partial, path, "wb") as file:
            counts = _write(file, records, namespace)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return counts


def _write(
    file: IO[bytes], records: Iterable[dict[str, Any]], namespace: str | None
) -> dict[str, int]:
    digest = hashlib.sha256()
    counts = {"cube": 0, "link": 0, "tombstone": 0}
    head = {"mnemon": FORMAT, "exported_at": from_micros(now_micros()).isoformat()}

    def put(record: dict[str, Any]) -> None:
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        digest.update(line)
        file.write(line)

    put({**head, "namespace": namespace})
    for record in records:
        kind = next(name for name in counts if name in record)
        counts[kind] += 1
        put(record)
    last = {"end": counts, "sha256": digest.hexdigest()}
    file.write(json.dumps(last).encode() + b"\n")
    return counts


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
    """Cube, link and tombstone records; what cannot be read goes to the report and is skipped.

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


def problem(record: dict[str, Any]) -> str:
    """What is wrong with a cube, link or tombstone record, or "" if it can be written."""
    checks = {"cube": _cube_problem, "link": _link_problem, "tombstone": _tombstone_problem}
    for name, check in checks.items():
        if name in record:
            try:
                return check(record)
            except InvalidInput as error:
                return str(error)
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                return f"not a {name} record: {error!r}"
    return "neither a cube, a link nor a tombstone"


def _cube_problem(record: dict[str, Any]) -> str:
    if paths.check(record["namespace"]) != record["namespace"]:
        return "its namespace is not in normal form"
    versions = record["versions"]
    if not versions:
        return "it has no versions"
    if [version["version"] for version in versions] != list(range(1, len(versions) + 1)):
        return "its versions are not 1, 2, 3 …"
    _check_fields(record, {"cube": _TEXT, "key": _TEXT | _NONE})
    for version in versions:
        intake.check_content(version["content"])
        _check_fields(version, _VERSION)
        intake.check_metadata(version.get("metadata") or {})
        _check_lists(version)
    if record.get("usage") is not None:
        _check_fields(record["usage"], _USAGE)
    for earlier, later in pairwise(versions):
        if earlier.get("retired_at") is None or earlier["retired_at"] > later["recorded_at"]:
            return "a version ends after the next one begins"
    ended = (version for version in versions if version.get("retired_at") is not None)
    if any(version["recorded_at"] >= version["retired_at"] for version in ended):
        return "a version ends before it begins"
    return ""


def _link_problem(record: dict[str, Any]) -> str:
    _check_fields(record["link"], _LINK)
    intake.check_metadata(record["link"].get("metadata") or {})
    return ""


def _tombstone_problem(record: dict[str, Any]) -> str:
    _check_fields(record, {"tombstone": _TEXT, "purged_at": _TIME})
    return ""


_NONE, _TEXT, _TIME = frozenset({type(None)}), frozenset({str}), frozenset({int})
_NUMBER, _WHOLE, _LIST = frozenset({float, int}), frozenset({int}), frozenset({list})
_TIMES = ("valid_from", "valid_to", "recorded_at", "retired_at", "retain_until", "last_read",
          "purged_at")  # fmt: skip
_VERSION = {
    "version": _WHOLE, "kind": _TEXT, "content": _TEXT, "producer": _TEXT, "valid_from": _TIME,
    "recorded_at": _TIME, "valid_to": _TIME | _NONE, "retired_at": _TIME | _NONE,
    "retain_until": _TIME | _NONE, "speaker": _TEXT | _NONE, "session": _TEXT | _NONE,
    "source": _TEXT | _NONE, "compile": _WHOLE | {bool} | _NONE, "confidence": _NUMBER | _NONE,
    "metadata": _NONE | {dict}, "readers": _LIST | _NONE, "writers": _LIST | _NONE,
    "spans": _LIST | _NONE,
}  # fmt: skip
_USAGE = {
    "reads": _WHOLE, "last_read": _TIME | _NONE, "helpful": _WHOLE, "unhelpful": _WHOLE,
    "strength": _NUMBER,
}  # fmt: skip
_LINK = {
    "src": _TEXT, "type": _TEXT, "dst": _TEXT, "weight": _NUMBER, "metadata": _NONE | {dict},
    "recorded_at": _TIME, "retired_at": _TIME | _NONE,
}  # fmt: skip
_FIRST = to_micros(datetime.min.replace(tzinfo=UTC))
_LAST = to_micros(datetime.max.replace(tzinfo=UTC))


def _check_fields(told: dict[str, Any], fields: dict[str, frozenset[type]]) -> None:
    for name, kinds in fields.items():
        value = told.get(name)
        if type(value) not in kinds:
            raise InvalidInput(f"its {name} is {type(value).__name__}")
        if isinstance(value, str):
            intake.check_text(name, value)
        elif value is not None and name in _TIMES and not _FIRST <= value <= _LAST:
            raise InvalidInput(f"its {name} is outside the years 1 to 9999")
        elif value is not None and not (math.isfinite(value) if kinds & {float} else _fits(value)):
            raise InvalidInput(f"its {name} is out of range")


def _fits(value: Any) -> bool:
    return not isinstance(value, int) or abs(value) < 2**63


def _check_lists(version: dict[str, Any]) -> None:
    for name in ("readers", "writers"):
        for actor in version.get(name) or ():
            _check_fields({name: actor}, {name: _TEXT})
    for span in version.get("spans") or ():
        cube, number, start, end = span
        _check_fields(
            {"cube": cube, "version": number, "start": start, "end": end},
            {"cube": _TEXT, "version": _WHOLE, "start": _WHOLE | _NONE, "end": _WHOLE | _NONE},
        )
