"""Clients that load a server: `wrk`, or threads of a Python process where there is none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnemon.bench.metrics import quantile
from mnemon.errors import ServerError

_SCRIPT = Path(__file__).with_name("wrk.lua")
_SLACK = 60.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What clients saw: answers with status 200 and errors, seconds, latencies in milliseconds, and
    the ids of what was added."""

    requests: int
    errors: int
    seconds: float
    p50: float
    p95: float
    p99: float
    added: tuple[str, ...]


def tool() -> str:
    """Which client is used: "wrk", or "python"."""
    return "wrk" if shutil.which("wrk") else "python"


def ask(
    url: str, bodies: Sequence[str], clients: int, seconds: float, folder: Path,
    key: str | None = None,
) -> Answers:  # fmt: skip
    """Post bodies in turn from `clients` connections for `seconds`.

    Raises:
        ServerError: the client failed.
    """
    file, added = folder / "bodies.jsonl", folder / "added.txt"
    file.write_text("\n".join(bodies) + "\n", "utf-8")
    authorization = "" if key is None else f"Bearer {key}"
    if tool() == "wrk":
        keep = str(added) if url.endswith("/v1/add") else ""
        command = [
            "wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--latency",
            "-s", str(_SCRIPT), url, "--", str(file), authorization, keep,
        ]  # fmt: skip
        return _of_wrk(_run(command, seconds), added if keep else None)
    program = Path(__file__).with_name("threads.py")
    told = [sys.executable, str(program), url, str(file), str(clients), str(seconds), authorization]
    return _of_threads(_run(told, seconds))


def _run(command: Sequence[str], seconds: float) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _SLACK)
    if done.returncode != 0:
        raise ServerError(f"{command[0]} failed: {done.stderr.strip()[-300:]}")
    return done.stdout


def _of_wrk(printed: str, added: Path | None) -> Answers:
    pairs = (line.split(" ", 1) for line in printed.splitlines() if line.count(" ") == 1)
    told = {name: float(value) for name, value in pairs if name in _TOLD}
    errors, ids = int(told["errors"]), added.read_text().split() if added else []
    p50, p95, p99 = (told[name] / 1000 for name in ("p50", "p95", "p99"))
    seconds = told["microseconds"] / 1e6
    return Answers(int(told["requests"]) - errors, errors, seconds, p50, p95, p99, tuple(ids))


_TOLD = ("requests", "microseconds", "errors", "p50", "p95", "p99")


def _of_threads(printed: str) -> Answers:
    told = json.loads(printed)
    times = told["milliseconds"] or [0.0]
    p50, p95, p99 = (quantile(times, share) for share in (0.5, 0.95, 0.99))
    count, errors, seconds = len(told["milliseconds"]), told["errors"], told["seconds"]
    return Answers(count, errors, seconds, p50, p95, p99, tuple(told["added"]))
