"""Upkeep: the index of one big scope, opened from its files, followed, made anew, saved.

Making it takes a second for 100,000 vectors and ten for a million, so it is done in the background
(`building.py`); until then every vector is compared, which finds the same or more, ten times as
slowly. What is made is of the vectors there were when it began; later ones are its tail.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnemon.store.index.building import Builds, Check, failure
from mnemon.store.index.columns import Columns
from mnemon.store.index.files import Files, Saved
from mnemon.store.index.lists import Lists
from mnemon.store.index.nearest import Nearest
from mnemon.store.protocol import Store


@dataclass(frozen=True, slots=True)
class State:
    """A scope at a journal sequence number: what is saved beside the index. Arrays are copies."""

    seq: int
    arrays: Mapping[str, np.ndarray]
    names: list[str]


class Upkeep:
    """Of the scope of a namespace; all but the work in the background is done under its `lock`.

    `state` tells the scope's state and is called with the lock held.
    """

    def __init__(
        self,
        store: Store,
        namespace: str,
        builds: Builds,
        lock: threading.Lock,
        state: Callable[[], State],
    ) -> None:
        self._store = store
        self._namespace = namespace
        self._builds = builds
        self._lock = lock
        self._state = state
        self._building: Future[None] | None = None
        self._nearest: Nearest | None = None

    @property
    def nbytes(self) -> int:
        """Bytes held or mapped."""
        return self._nearest.nbytes if self._nearest else 0

    def clear(self) -> None:
        """Forget the index; what is under way will be thrown away."""
        self._nearest = self._building = None

    def open(self, space: str | None) -> Saved | None:
        """What was saved of the scope at an earlier moment of this store, if anything."""
        files = self._files(space)
        saved = None if files is None else files.load(self._fits)
        if saved is not None and space is not None:
            self._nearest = Nearest.load(space, saved.arrays, saved.told["trained"])
        return saved

    def discard(self, space: str | None, seq: int) -> None:
        """Delete files of a sequence number or before: a purge has been since."""
        files = self._files(space)
        if files is not None and not self._store.read_only:
            files.discard(seq)

    def of(self, space: str | None, columns: Columns) -> Nearest | None:
        """The index of a space with the vectors of all versions; being made if there is none.

        Raises:
            Whatever the last attempt to make it failed with; the next call tries again.
        """
        if space is None:
            return None
        if self._nearest is None or self._nearest.space != space:
            self._nearest = Nearest.empty(self._store, space)
        if self._nearest is not None:
            self._nearest.catch_up(self._store, columns)
            self._make(self._nearest)
        return self._nearest

    def _make(self, nearest: Nearest) -> None:
        if self._building is not None:
            if not self._building.done():
                return
            failed, self._building = failure(self._building), None
            if failed is not None:
                raise failed
        if nearest.wanting:
            make = nearest.plan()
            self._building = self._builds.submit(lambda check: self._build(nearest, make, check))

    def _build(self, nearest: Nearest, make: Callable[[Check], Lists], check: Check) -> None:
        made = make(check)
        with self._lock:
            if self._nearest is not nearest:
                return  # purged or reindexed meanwhile: these lists are of what is gone
            nearest.put(made)
            save = self.saving(nearest)
        save()

    def saving(self, nearest: Nearest) -> Callable[[], None]:
        """What writes the files as they are now; to be called without the lock."""
        files, store, state = self._files(nearest.space), self._store, self._state()
        scope = self._namespace
        stamp = store.stamp(scope, state.seq)
        if files is None or store.read_only or stamp is None:
            return lambda: None
        told = {
            "seq": state.seq, "stamp": stamp, "names": state.names, "trained": nearest.trained,
        }  # fmt: skip
        every = {**state.arrays, **nearest.dump()}
        return lambda: files.save(told, every, lambda: not store.changes(scope, state.seq).rebuild)

    def _files(self, space: str | None) -> Files | None:
        folder = self._store.index
        return None if folder is None or space is None else Files(folder, self._namespace, space)

    def _fits(self, told: Mapping[str, Any]) -> bool:
        stamp: bool = told["stamp"] == self._store.stamp(self._namespace, told["seq"])
        return stamp
