"""Loads under way: begun once for all who want the blob, watched, and what comes of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any

from mnemon.errors import DamagedBlob, PlaceFailed
from mnemon.kv.tiers.loading import Gone, Loading, OtherForm

if TYPE_CHECKING:
    import threading

    from mnemon.kv.tiers.blob import Blob
    from mnemon.kv.tiers.cold import Cold
    from mnemon.kv.tiers.costs import CostModel, Verdict
    from mnemon.kv.tiers.counting import Counts
    from mnemon.kv.tiers.lane import Lane
    from mnemon.kv.tiers.placed import Placed

log = logging.getLogger("mnemon.kv.tiers")
_PATIENCE = 10.0
"""Seconds that a load may take beyond four times what it should."""
EXPECTED = (DamagedBlob, PlaceFailed, Gone, OtherForm)
"""Why there may be no blob; the rest is a fault and is raised."""


class Loads:
    """What is being loaded, by key."""

    def __init__(
        self, lane: Lane, form: Cold | None, counts: Counts, costs: CostModel,
        lock: threading.RLock, keep: Callable[[Blob, int], None],
    ) -> None:  # fmt: skip
        """Share the owner's `lock`; `keep` is called under it with what arrived and its uses."""
        self._lane, self._form, self._counts, self._costs = lane, form, counts, costs
        self._lock, self._keep = lock, keep
        self._under_way: dict[str, Loading] = {}
        self._sizes: dict[str, int] = {}

    @property
    def nbytes(self) -> int:
        """Bytes that are under way."""
        with self._lock:
            return sum(self._sizes.values())

    def verdict(self, key: str, placed: Placed, size: int) -> Verdict:
        """Whether a blob is worth loading from a place, which is measured if it was not yet."""
        placed.measure(key)
        facts = placed.facts(key)
        seconds = None if facts is None else facts.seconds
        tokens = None if facts is None else facts.tokens
        return self._costs.verdict(key, placed.name, size, seconds, tokens)

    def start(self, key: str, placed: Placed, room: int | None = None) -> Loading | None:
        """Begin to load a blob, or join who did. None: it is not there, or not worth it.

        Args:
            room: bytes that may be under way with it; None: any number.
        """
        with self._lock:
            if key in self._under_way:
                return self._under_way[key]
        size = placed.size(key)
        if size is None or (room is not None and self.nbytes + size > room):
            return None
        if self._costs.skips and not self.verdict(key, placed, size).load:
            self._counts.add("skipped")
            placed.measure(key, again=True)
            return None
        with self._lock:
            if key in self._under_way:
                return self._under_way[key]
            loading = Loading(key, placed, self._lane, self._form)
            self._under_way[key], self._sizes[key] = loading, size
        loading.start(self._arrived)
        return loading

    def awaited(self, loading: Loading) -> Blob | None:
        """Wait for a load. None: it failed, and was counted."""
        if not self._came(loading, loading.done):
            return None
        try:
            return loading.done.result()
        except EXPECTED:
            return None

    def begun(self, loading: Loading) -> bool:
        """Wait for the head of a load. False: it failed, and was counted."""
        if not self._came(loading, loading.head):
            return False
        error = loading.head.exception()
        if error is not None and not isinstance(error, EXPECTED):
            raise error
        return error is None

    def _came(self, loading: Loading, what: Future[Any]) -> bool:
        speed = self._costs.speed(loading.placed.name)
        limit = _PATIENCE + 4 * speed.seconds(self._sizes.get(loading.key, 0))
        if wait([what], limit).done:
            return True
        self.drop([loading.key])
        loading.placed.failed(PlaceFailed(f"a blob did not come within {limit:.0f} seconds"))
        return False

    def drop(self, keys: Iterable[str]) -> None:
        """What is under way of these will not be kept."""
        with self._lock:
            for key in keys:
                self._under_way.pop(key, None)
                self._sizes.pop(key, None)

    def close(self) -> None:
        """Wait for all of them."""
        with self._lock:
            waiting = [loading.done for loading in self._under_way.values()]
        wait(waiting, _PATIENCE)

    def _arrived(self, loading: Loading, blob: Blob | None, error: Exception | None) -> None:
        key, placed = loading.key, loading.placed
        if blob is None:
            self._failed(key, placed, error)  # first: who asks meanwhile joins, and fails with it
        with self._lock:
            wanted = self._under_way.get(key) is loading
            if wanted:
                self.drop([key])
            if blob is not None and wanted:
                self._keep(blob, placed.used(key))
        if blob is not None:
            placed.note(key, blob.header)
            head = loading.head.result()
            self._costs.observe(placed.name, head.start + head.nbytes, loading.seconds)

    def _failed(self, key: str, placed: Placed, error: Exception | None) -> None:
        if isinstance(error, OtherForm):
            placed.foreign(key)
            self._counts.add("other_form")
        elif isinstance(error, Gone):
            placed.missed(key)
        elif isinstance(error, PlaceFailed):
            placed.failed(error)
        elif isinstance(error, DamagedBlob):
            log.warning("%s: blob %s is damaged and removed: %s", placed.name, key[:16], error)
            self._counts.add("damaged")
            placed.remove([key])
