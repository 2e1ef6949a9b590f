"""Where a number comes from: the machine, the code, the data."""

from __future__ import annotations

import hashlib
import os
import platform
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mnemon

PACKAGE = Path(mnemon.__file__).parent
_DATA = (".json", ".jsonl", ".chat")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record comes from: what `mnemon bench text` says of its own in `Record`."""

    data: Mapping[str, str]
    code: Mapping[str, str]
    command: str
    machine: Mapping[str, Any]
    date: str
    seed: int


def origin(path: Path, command: str, seed: int) -> Origin:
    """Of a run that begins now, on the data at a path."""
    began = datetime.now(UTC).isoformat(timespec="seconds")
    return Origin(digests(path), code(), command, machine(), began, seed)


def machine() -> dict[str, Any]:
    """The processor, memory (GiB) and versions that times depend on."""
    import numpy as np

    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "memory_gib": _memory(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "sqlite": sqlite3.sqlite_version,
    }


def code() -> dict[str, str]:
    """Version, commit of the checkout ("" if it is none), and a digest of the sources as they are.

    The digest tells an edited checkout from a clean one.
    """
    return {"version": mnemon.__version__, "commit": _commit(), "sources_sha256": _sources()}


def digests(path: Path) -> dict[str, str]:
    """File name → SHA-256, of a file, or of the data files of a folder."""
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.suffix in _DATA)
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _sources() -> str:
    total = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        total.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _commit() -> str:
    """Read from the checkout's files, so that no git needs to be installed."""
    root = PACKAGE.parents[1] / ".git"
    if PACKAGE.parent.name != "src" or not (root / "HEAD").is_file():
        return ""
    head = (root / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    if (root / name).is_file():
        return (root / name).read_text().strip()
    packed = root / "packed-refs"
    lines = packed.read_text().splitlines() if packed.is_file() else []
    return next((line.split(" ")[0] for line in lines if line.endswith(f" {name}")), "")


def _cpu() -> str:
    listing = Path("/proc/cpuinfo")
    for line in listing.read_text().splitlines() if listing.is_file() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return 0.0
