"""How long it takes to wear another adapter, and what memory a thousand swaps leave behind."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from mnemon.bench import device
from mnemon.weights import Reader


def swaps(reader: Reader, times: int, where: Any) -> dict[str, Any]:
    """Milliseconds of a swap (opened and checked in the store each time, and arrived on the model's
    device), and MiB that the process grew by over the last nine tenths of them."""
    keys, took, before = sorted(reader.keys), list[tuple[float, float]](), 0.0
    for number in range(times):
        if number == times // 10:
            before = _held()
        began, worked = time.perf_counter(), time.process_time()
        reader.swap(keys[number % len(keys)])
        device.synchronize(where)
        took.append((time.perf_counter() - began, time.process_time() - worked))
    grown = _held() - before
    wall, cpu = (np.percentile(np.array(took) * 1000, (50, 95), axis=0).T).tolist()
    reader.swap(None)
    return {
        "swap_p50_ms": wall[0], "swap_p95_ms": wall[1], "swap_cpu_p95_ms": cpu[1],
        "swap_grown_mib": grown,
    }  # fmt: skip


def _held() -> float:
    """MiB that this process holds; the most it ever held where the system tells no more."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(status.read_text().partition("VmRSS:")[2].split()[0]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
