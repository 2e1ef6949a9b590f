"""A tier in a place: what lies there, how much it may hold, whether it can be reached."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mnemon.errors import DamagedBlob, PlaceFailed
from mnemon.kv.tiers.blob import Head, decode, parse, whole
from mnemon.kv.tiers.loading import THREADS
from mnemon.kv.tiers.places.folder import Folder
from mnemon.kv.tiers.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnemon.kv.tiers.costs import CostModel
    from mnemon.kv.tiers.counting import Counts
    from mnemon.kv.tiers.places import Place

log = logging.getLogger("mnemon.kv.tiers")
T = TypeVar("T")
_HEAD = 1 << 15
_PROBE = 1 << 20
_LISTED = 30.0
"""Seconds after which others who write there are looked for again, before something is written."""
_MEASURED = 10.0
"""Seconds after which a place that seems too slow is measured again."""
_REST = 30.0
"""Seconds for which a server that could not be reached is left alone."""


@dataclass(frozen=True)
class Facts:
    """What a header tells: what computing takes, and of how many tokens."""

    seconds: float | None
    tokens: int | None


class Placed:
    """The blobs of one place, for several threads. Whatever fails there is logged and counted.

    Attributes:
        name: `disk` or `remote`. pool: the threads that read from it.
    """

    def __init__(
        self, name: str, place: Place, budget: int | None, counts: Counts, costs: CostModel
    ) -> None:
        self.name, self.place = name, place
        self.pool = ThreadPoolExecutor(THREADS, f"mnemon-kv-{name}")
        self.shelf = Shelf(budget)
        self._counts, self._costs = counts, costs
        self._lock = threading.RLock()
        self._facts: dict[str, Facts] = {}
        self._foreign: set[str] = set()
        self._listed = self._until = self._measured = -_LISTED
        self._local = isinstance(place, Folder)

    def size(self, key: str) -> int | None:
        """Bytes under a key that may be read, or None. Asks the place if it was not listed."""
        with self._lock:
            entry = self.shelf.entries.get(key)
            if key in self._foreign:
                return None
        if entry is not None:
            return entry.nbytes
        size = self._tried(lambda: self.place.size(key), None)
        if size is not None:
            with self._lock:
                self.shelf.add(key, size, None)
        return size

    def has(self, key: str) -> bool:
        """Whether a blob lies there, in a form that is read, as far as is known here."""
        with self._lock:
            return key in self.shelf and key not in self._foreign

    def lies(self, key: str) -> bool:
        """The same, and the place says so, too: somebody else may have removed it."""
        if not self.has(key):
            return False
        self.missed(key)
        return self.has(key)

    def facts(self, key: str) -> Facts | None:
        """What the header of a blob tells, read once; None: it cannot be read."""
        with self._lock:
            if key in self._facts:
                return self._facts[key]
        head = self._tried(lambda: self._head(key), None)
        return None if head is None else self.note(key, head.header)

    def note(self, key: str, header: Mapping[str, Any]) -> Facts:
        """Remember what a header tells."""
        found = Facts(header.get("seconds"), header.get("tokens"))
        with self._lock:
            self._facts[key] = found
            if found.seconds is not None:
                self.shelf.learned(key, found.seconds)
        return found

    def measure(self, key: str, *, again: bool = False) -> None:
        """Measure how quickly the place is read, at a blob that lies there.

        Args:
            again: even if it is known, after a while: or what was slow once would stay so, when
                nothing is loaded any more because it is slow.
        """
        age = time.monotonic() - self._measured
        if self._costs.knows(self.name) and (not again or age < _MEASURED):
            return
        self._measured = time.monotonic()
        for begin, end in ((0, _HEAD), (_HEAD, _HEAD + _PROBE)):
            began = time.perf_counter()
            data = self._tried(partial(self.place.sample, key, begin, end), None)
            if data:
                self._costs.observe(self.name, len(data), time.perf_counter() - began)

    def used(self, key: str) -> int:
        """Note a use; how often it has been."""
        with self._lock:
            return self.shelf.used(key)

    def store(self, key: str, data: bytearray, header: Mapping[str, Any], uses: int,
              below: Placed | None) -> bool:  # fmt: skip
        """Write a blob unless it lies there; what has to leave for it goes `below`.

        Returns:
            Whether it lies there now.
        """
        if self.lies(key):
            return True
        self._list()
        seconds = float(header.get("seconds", 0.0))
        victims = self._victims(len(data), seconds, uses)
        if victims is None:
            self._counts.add("refused")
            return False
        for one in victims:
            self._leave(one, below)
        if not self._tried(partial(self._written, key, data), False):
            return False
        with self._lock:
            self._foreign.discard(key)
            self.shelf.add(key, len(data), seconds, uses)
            self.note(key, header)
        self._counts.add("written")
        return True

    def remove(self, keys: Iterable[str]) -> None:
        """Remove blobs that cannot be used, if the place can be reached."""
        keys = list(keys)
        self.forgotten(keys)
        self._tried(lambda: self.place.delete(keys, halves=False), 0)

    def missed(self, key: str) -> None:
        """Note that a blob was not found, unless it was written again meanwhile."""
        with self._lock:  # who writes notes it under the lock, after it is there
            if self._tried(lambda: self.place.size(key), None) is None:
                self.forgotten([key])

    def forgotten(self, keys: Iterable[str]) -> None:
        """Note that blobs are not there any more."""
        with self._lock:
            for key in keys:
                self.shelf.drop(key)
                self._facts.pop(key, None)
                self._foreign.discard(key)

    def foreign(self, key: str) -> None:
        """Note that a blob is in a form that is not read here: the next `store` writes over it."""
        with self._lock:
            self._foreign.add(key)

    def failed(self, error: PlaceFailed) -> None:
        """Log, count, and leave a server alone for a while."""
        log.warning("%s: %s", self.name, error)
        self._counts.add("failed" if self._local else "unreachable")
        if not self._local:
            self._until = time.monotonic()

    def _tried(self, what: Callable[[], T], otherwise: T) -> T:
        if time.monotonic() - self._until < _REST:
            return otherwise
        try:
            return what()
        except PlaceFailed as error:
            self.failed(error)
            return otherwise

    def _written(self, key: str, data: bytearray) -> bool:
        self.place.write(key, data)
        return True

    def _head(self, key: str) -> Head | None:
        size, data = self.place.size(key), self.place.sample(key, 0, _HEAD)
        if size is None or data is None or len(data) < 8:
            return None
        end = whole(data)
        if len(data) < end <= size:
            data = self.place.sample(key, 0, end)
        try:
            return None if data is None else parse(data[:end], key, size)
        except DamagedBlob:
            return None  # whoever loads it finds that out again, and counts it

    def _list(self) -> None:
        if self.shelf.budget is None or time.monotonic() - self._listed < _LISTED:
            return
        if isinstance(self.place, Folder):
            self._tried(self.place.tidy, None)
        sizes = self._tried(self.place.sizes, None)
        if sizes is None:
            return
        self._listed = time.monotonic()
        with self._lock:
            self.forgotten([key for key in self.shelf.entries if key not in sizes])
            for key, size in sizes.items():
                if key not in self.shelf:
                    self.shelf.add(key, size, None)

    def _victims(self, nbytes: int, seconds: float, uses: int) -> list[str] | None:
        with self._lock:
            budget = self.shelf.budget
            full = budget is not None and self.shelf.nbytes + nbytes > budget
            unknown = self.shelf.unknown() if full and self._local else []
        for key in unknown:
            if self.facts(key) is None:
                self.missed(key)  # damaged ones count as the others, and are found when they leave
        with self._lock:
            return self.shelf.victims(nbytes, seconds, uses)

    def _leave(self, key: str, below: Placed | None) -> None:
        with self._lock:
            entry = self.shelf.entries.get(key)
            self.shelf.evict(key)
        kept = below is not None and self._handed(key, below, 1 if entry is None else entry.uses)
        self._counts.add("demoted" if kept else "evicted")
        self.remove([key])

    def _handed(self, key: str, below: Placed, uses: int) -> bool:
        reading = self._tried(lambda: self.place.open(key), None)
        if reading is None:
            return False
        with reading:
            data = bytearray(reading.size)
            got = self._tried(lambda: reading.into(0, memoryview(data)), 0)
        try:
            header = decode(data[:got], key).header
        except DamagedBlob as error:
            log.warning("%s: blob %s is damaged: %s", self.name, key[:16], error)
            self._counts.add("damaged")
            return False
        return below.store(key, data, header, uses, None)
