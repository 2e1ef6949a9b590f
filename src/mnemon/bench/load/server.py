"""A server in processes of its own, and what they take: CPU seconds and memory (on Linux)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mnemon.errors import ServerError

_ADDRESS = re.compile(r"http://\S+?:\d+")
_PATIENCE = 30.0
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Running:
    """Where it answers, and its first process; None for a server that somebody else started."""

    url: str
    pid: int | None

    def cpu_seconds(self) -> float | None:
        """CPU seconds of all its processes so far."""
        ticks = os.sysconf("SC_CLK_TCK")
        used = [_stat(pid) for pid in self._processes()]
        return sum(int(one[11]) + int(one[12]) for one in used) / ticks if used else None

    def mib(self) -> float | None:
        """Resident memory of all its processes in MiB; what they share counts once."""
        told = [(_PROC / str(pid) / "smaps_rollup").read_text() for pid in self._processes()]
        held = [int(found[1]) for one in told if (found := re.search(r"^Pss:\s+(\d+)", one, re.M))]
        return round(sum(held) / 1024, 1) if held else None

    def _processes(self) -> list[int]:
        if self.pid is None or not _PROC.is_dir():
            return []
        every = [int(one.name) for one in _PROC.iterdir() if one.name.isdigit()]
        return [self.pid, *(pid for pid in every if _parent(pid) == self.pid)]


def _stat(pid: int) -> list[str]:
    """The fields after the command's name, which may have spaces; the state is the first."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _parent(pid: int) -> int | None:
    try:
        return int(_stat(pid)[1])
    except OSError:  # it ended meanwhile
        return None


@contextmanager
def started(store: Path, workers: int) -> Iterator[Running]:
    """`mnemon serve` over a store while the block runs.

    Raises:
        ServerError: it did not start.
    """
    log = store.with_name("serve.log")
    command = [sys.executable, "-m", "mnemon", "--store", str(store), "serve", "--port", "0"]
    with log.open("w") as out:
        child = subprocess.Popen([*command, "--workers", str(workers)], stderr=out)
    try:
        yield Running(_address(child, log), child.pid)
    finally:
        child.terminate()
        child.wait()


def _address(child: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and child.poll() is None:
        if (found := _ADDRESS.search(log.read_text())) and _ready(found[0]):
            return found[0]
        time.sleep(0.05)
    raise ServerError(f"the server did not start: {log.read_text().strip()[-300:]}")


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
