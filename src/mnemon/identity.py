"""Cube ids: UUID version 7 (RFC 9562, section 5.7): time-ordered, unique without coordination."""

from __future__ import annotations

import os
import threading
import time

_lock = threading.Lock()
_last = 0


def made_at(id: str) -> int:
    """When an id was made: microseconds since 1970, of its millisecond."""
    return int(id.replace("-", "")[:12], 16) * 1000


def new_id() -> str:
    """A fresh id such as `01931a3e-7c6a-7d3f-8f2e-6b1f0c9d2a11`.

    Ids made by one process sort in the order they were made: the 12 bits after the millisecond
    hold its fraction, and a clock that stands still or goes back is stepped forward.
    """
    global _last
    with _lock:
        tick = time.time_ns() * 4096 // 1_000_000
        _last = tick = max(tick, _last + 1)
    high = (tick >> 12 << 16) | 0x7000 | (tick & 0xFFF)
    id = f"{high << 64 | 0b10 << 62 | int.from_bytes(os.urandom(8)) >> 2:032x}"
    return f"{id[:8]}-{id[8:12]}-{id[12:16]}-{id[16:20]}-{id[20:]}"
