"""How long it takes to wear another adapter, and what memory a thousand swaps leave behind."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np

from mnemon.weights import Reader

TIMES = 1000


def swaps(reader: Reader) -> dict[str, Any]:
    """Milliseconds of a swap (opened and checked in the store each time), and MiB that the peak
    grew by over the last nine tenths of them."""
    keys, took, before = sorted(reader.keys), list[float](), 0
    for number in range(TIMES):
        if number == TIMES // 10:
            before = _peak()
        began = time.perf_counter()
        reader.swap(keys[number % len(keys)])
        took.append((time.perf_counter() - began) * 1000)
    grown = _peak() - before
    reader.swap(None)
    return {
        "swap_p50_ms": float(np.percentile(took, 50)),
        "swap_p95_ms": float(np.percentile(took, 95)),
        "swap_grown_mib": grown / 1024,
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
