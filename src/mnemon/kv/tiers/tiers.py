"""Tiers: blobs in the fastest place that is worth it, and from there to slower ones."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.errors import PlaceFailed, StoreClosed
from mnemon.kv.budget import bytes_of
from mnemon.kv.tiers import streaming
from mnemon.kv.tiers.blob import Blob, as_read, encode
from mnemon.kv.tiers.cold import Cold
from mnemon.kv.tiers.costs import CostModel, Verdict
from mnemon.kv.tiers.counting import Counts
from mnemon.kv.tiers.held import Memory
from mnemon.kv.tiers.lane import Lane
from mnemon.kv.tiers.loads import Loads
from mnemon.kv.tiers.placed import Placed
from mnemon.kv.tiers.places import checked, place_of
from mnemon.kv.tiers.writer import Job, Writer

if TYPE_CHECKING:
    from typing import Self

    from mnemon.kv.tiers.shelf import Entry
    from mnemon.kv.tiers.streaming import Stream


class Tiers:
    """Blobs by key in accelerator → host → disk → remote. Safe for several threads.

    What is put goes to memory at once and, in the background, to the first place (the disk, else
    the remote). What has to leave a tier goes to the next one, and from the last one it is gone.
    What is loaded comes back to memory. On a CUDA device, what `get` gives lies on the device.
    """

    def __init__(
        self,
        *,
        host: int | str = "1GB",
        accelerator: int | str = 0,
        device: str = "cpu",
        disk: Path | str | None = None,
        disk_bytes: int | str = "20GB",
        remote: str | None = None,
        remote_bytes: int | str | None = None,
        costs: CostModel | None = None,
        quantize: str | None = None,
    ) -> None:
        """Nothing is read or written yet.

        Args:
            host: bytes of host memory, a number or such a text as "2GB"; 0: none. accelerator:
                bytes on `device`. disk_bytes: in the folder `disk`. remote_bytes: at `remote`;
                None: any number.
            disk: a folder; None: no such tier. remote: a URL of fsspec or Redis, see `places`.
            costs: what loading takes; None: it is measured.
            quantize: a method of `kv.compress`, as `kivi(bits=4)`, in whose form blobs lie on
                disk and remote; None: exact.

        Raises:
            InvalidInput: a budget, place or method that cannot be read.
            MissingExtra: the place needs a package that is not installed.
        """
        self.costs = costs or CostModel()
        self.addresses = tuple(str(place) for place in (disk, remote) if place is not None)
        """Folders and URLs where its blobs may lie outside of this process."""
        self._counts = Counts()
        self._lane = Lane(device)
        self._form = None if quantize is None else Cold.of(quantize)
        self._memory = Memory(
            bytes_of("accelerator", accelerator), bytes_of("host", host), self._lane, self._counts
        )
        sizes = {
            "disk": (disk, bytes_of("disk_bytes", disk_bytes)),
            "remote": (
                remote,
                None if remote_bytes is None else bytes_of("remote_bytes", remote_bytes),
            ),
        }
        self._places = [
            Placed(name, place_of(place), size, self._counts, self.costs)
            for name, (place, size) in sizes.items()
            if place is not None
        ]
        self._lock = threading.RLock()
        self._writer = Writer(self._store, lambda: self._counts.add("failed"))
        self._loads = Loads(
            self._lane, self._form, self._counts, self.costs, self._lock, self._promote
        )
        self._closed = False

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened so far, see docs/kv-tiers.md for the names."""
        return self._counts.told()

    def put(self, blob: Blob, *, seconds: float) -> None:
        """Keep a blob. Returns when it is in memory; `flush` waits until it is durable.

        Waits while more than 256 MB are waiting to be written. Its tensors must not be written to
        afterwards.

        Args:
            seconds: what computing it took: admission and eviction go by it, and whether loading
                is worth it.

        Raises:
            InvalidInput: the key or header is none, or `quantize` cannot store these tensors.
        """
        self._check()
        checked(blob.key)
        blob = Blob(blob.key, as_read({**blob.header, "seconds": float(seconds)}), blob.tensors)
        hosted = self._lane.hosted(blob)
        if self._form is not None:
            self._form.check(hosted)
        with self._lock:
            self._loads.drop([blob.key])
            self._keep(hosted, 1)
            if self._places:
                self._writer.add(Job(hosted, 1))
        self._writer.pause()

    def get(self, key: str) -> Blob | None:
        """The blob, from the fastest place that has it; what was read was checked.

        Returns:
            None: it is not there, or damaged (then it is removed), or its place cannot be reached,
            or loading it would take longer than computing it.
        """
        blob = self._at_hand(key)
        if blob is not None:
            return self._lane.delivered(blob)
        for placed in self._places:
            loading = self._loads.start(key, placed)
            blob = None if loading is None else self._loads.awaited(loading)
            if blob is not None:
                self._counts.add(f"hits_{placed.name}")
                return self._lane.delivered(blob)
        self._counts.add("misses")
        return None

    def stream(self, key: str) -> Stream | None:
        """The same, layer by layer: the first ones can be used while the others are loaded.

        Returns:
            None as in `get`; what goes wrong after the first layer is raised by the iteration.
        """
        blob = self._at_hand(key)
        if blob is not None:
            return streaming.at_hand(blob, self._lane)
        for placed in self._places:
            loading = self._loads.start(key, placed)
            if loading is not None and self._loads.begun(loading):
                self._counts.add(f"hits_{placed.name}")
                return streaming.arriving(loading, self._lane)
        self._counts.add("misses")
        return None

    def where(self, key: str) -> str | None:
        """The fastest tier that has it: accelerator, host, disk or remote. Nothing is loaded."""
        self._check()
        with self._lock:
            found = self._memory.find(key)
        if found is not None:
            return found[0]
        if self._writer.get(key) is not None:
            return "host"
        return next((one.name for one in self._places if one.size(key) is not None), None)

    def prefetch(self, keys: Sequence[str]) -> None:
        """Begin to load blobs, in this order; `get` then finds them in memory, or waits.

        It goes on while they fit into the host's budget; what is not worth loading is left out.
        """
        self._check()
        for key in dict.fromkeys(keys):
            if self._places and self._find(key) is None:
                self._places[0].pool.submit(self._fetch, key)

    def unload(self, keys: Iterable[str]) -> None:
        """Let go from memory what lies in a place too."""
        placed = {key for key in keys if any(one.lies(key) for one in self._places)}
        with self._lock:
            self._memory.drop(placed)

    @property
    def host_bytes(self) -> int:
        """What may lie in memory."""
        return self._memory.room

    def flush(self) -> None:
        """Wait until everything that was put is written, or could not be."""
        self._writer.flush()

    def delete(self, keys: Iterable[str]) -> int:
        """Remove blobs from every tier, now. What is loaded or written meanwhile is dropped too.

        Returns:
            How many of them there were.

        Raises:
            PlaceFailed: a place could not be reached: there they may still be. From everywhere
                else they are gone.
        """
        self._check()
        keys = {checked(key) for key in keys}
        found, failures = self._purge(keys), []
        with self._writer.busy:  # nothing is being written now
            for placed in self._places:
                try:
                    there = {key for key in keys if placed.place.size(key) is not None}
                    placed.place.delete(keys)
                    found |= there
                except PlaceFailed as error:
                    failures.append(error)
                placed.forgotten(keys)
            found |= self._purge(keys)
        self._counts.add("deleted", len(found))
        if failures:
            raise failures[0]
        return len(found)

    def keys(self) -> set[str]:
        """Everything that lies somewhere.

        Raises:
            PlaceFailed: a place cannot be reached.
        """
        self._check()
        with self._lock:
            found = self._memory.keys() | self._writer.keys()
        return found.union(*(placed.place.sizes() for placed in self._places))

    def explain(self, keys: Sequence[str]) -> list[Verdict]:
        """For each key, where it lies, what loading and computing it take, and what `get` does."""
        return [self._verdict(key) for key in keys]

    def close(self) -> None:
        """Write what is waiting and let go of the memory. It cannot be used afterwards."""
        if self._closed:
            return
        self._writer.flush()
        self._closed = True
        self._loads.close()
        for pool in (self._writer.pool, *(placed.pool for placed in self._places)):
            pool.shutdown(wait=True)
        for placed in self._places:
            placed.place.close()
        with self._lock:
            self._memory.drop(self._memory.keys())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _check(self) -> None:
        if self._closed:
            raise StoreClosed("the tiers were closed and then used: make new ones")

    def _find(self, key: str) -> tuple[str, Blob] | None:
        """A blob in memory and its tier; what waits to be written is in memory too."""
        self._check()
        with self._lock:
            found = self._memory.find(checked(key))
            waiting = self._writer.get(key) if found is None else None
        return ("host", waiting) if waiting is not None else found

    def _at_hand(self, key: str) -> Blob | None:
        with self._lock:
            found = self._find(key)
            if found is None:
                return None
            self._leave(self._memory.used(key))
        self._counts.add(f"hits_{found[0]}")
        return found[1]

    def _keep(self, blob: Blob, uses: int) -> bool:
        """Put a blob into memory, if it is worth it there."""
        left = self._memory.keep(blob, uses)
        self._leave([one for one in left if one[0].key != blob.key])
        kept = self._memory.find(blob.key) is not None
        self._counts.add("refused", int(not kept and not self._places))
        return kept

    def _promote(self, blob: Blob, uses: int) -> None:
        self._counts.add("promoted", int(self._keep(blob, uses)))

    def _leave(self, blobs: list[tuple[Blob, Entry]]) -> None:
        """Have what memory holds no longer written, unless it lies in the first place already."""
        for blob, entry in blobs:
            self._counts.add("demoted" if self._places else "evicted")
            if self._places and not self._places[0].has(blob.key):
                self._writer.add(Job(self._lane.hosted(blob), entry.uses))

    def _store(self, job: Job) -> None:
        """Write a blob to the first place that takes it."""
        blob = job.blob
        if self._places[0].lies(blob.key):
            return
        data = encode(self._form.stored(blob) if self._form else blob)
        for placed, below in zip(self._places, [*self._places[1:], None], strict=True):
            if placed.store(blob.key, data, blob.header, job.uses, below):
                return

    def _fetch(self, key: str) -> None:
        room = self._memory.room
        for placed in self._places:
            if self._closed or self._find(key) is not None:
                return
            if self._loads.start(key, placed, room) is not None:
                self._counts.add("prefetched")
                return

    def _purge(self, keys: set[str]) -> set[str]:
        with self._lock:
            self._loads.drop(keys)
            return self._memory.drop(keys) | self._writer.cancel(keys)

    def _verdict(self, key: str) -> Verdict:
        found = self._find(key)
        if found is not None:
            name, blob = found
            if name == "host" and not self.costs.knows("host"):
                self.costs.learn("host", self._lane.speed())
            told = blob.header.get("seconds"), blob.header.get("tokens")
            verdict = self.costs.verdict(key, name, blob.nbytes, *told)
            return replace(verdict, load=True)  # what is in memory is always given
        for placed in self._places:
            size = placed.size(key)
            if size is not None:
                return self._loads.verdict(key, placed, size)
        return self.costs.verdict(key, None, 0, None, None)
