"""What happened to blobs, counted."""

from __future__ import annotations

import threading

NAMES = (
    "hits_accelerator", "hits_host", "hits_disk", "hits_remote", "misses", "skipped", "damaged",
    "other_form", "unreachable", "failed", "written", "refused", "promoted", "demoted", "evicted",
    "deleted", "prefetched",
)  # fmt: skip


class Counts:
    """Counters for several threads."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(NAMES, 0)
        self._lock = threading.Lock()

    def add(self, name: str, more: int = 1) -> None:
        """Count."""
        with self._lock:
            self._counts[name] += more

    def told(self) -> dict[str, int]:
        """All of them as they are now."""
        with self._lock:
            return dict(self._counts)
