"""Turns: what their texts tell, kept in arrays with a place for each."""

from __future__ import annotations

import numpy as np

from mnemon.store.index.grown import Grown
from mnemon.text.hashed import Hashed
from mnemon.text.telling import FLAGS, Told

_NEWEST = np.iinfo(np.int32).max


class Turns:
    """Rows of a store → what they tell, some 90 bytes each. One thread writes, any may read."""

    def __init__(self) -> None:
        self._places = Hashed()
        self._starts = Grown(np.zeros(0, dtype=np.int64))
        self._sizes = Grown(np.zeros(0, dtype=np.uint16))
        self._oldest = Grown(np.zeros(0, dtype=np.int32))  # the lowest id of a turn
        self._flags = Grown(np.zeros((0, len(FLAGS)), dtype=np.uint8))
        self._ids = Grown(np.zeros(0, dtype=np.int32))

    def __len__(self) -> int:
        return len(self._starts)

    def reserve(self, total: int) -> None:
        """Make room for so many turns in all: a table that grows copies what it has."""
        self._places.reserve(total)
        self._ids.reserve(total * len(self._ids) // max(1, len(self)))
        for column in (self._starts, self._sizes, self._oldest, self._flags):
            column.reserve(total)

    def find(self, rows: np.ndarray, oldest: int) -> np.ndarray:
        """Places intp [N] of rows int64 [N]; -1 where one is not here, or has words of ids below
        `oldest`."""
        at = self._places.get(rows.astype(np.uint64)).astype(np.intp)
        here = np.flatnonzero(at >= 0)
        at[here[self._oldest.rows.take(at[here]) < oldest]] = -1
        return at

    def keep(self, rows: np.ndarray, told: Told) -> np.ndarray:
        """The places of new ones, or of those that are read again."""
        have, held = len(self), len(self._ids)
        starts = np.cumsum(told.sizes) - told.sizes
        lowest = np.minimum.reduceat(np.where(told.ids, told.ids, _NEWEST), starts)
        self._ids.extend(told.ids)
        self._sizes.extend(told.sizes)
        self._oldest.extend(lowest)
        self._flags.extend(told.flags)
        self._starts.extend(held + starts)
        places = np.arange(have, have + len(rows))
        self._places.put(rows.astype(np.uint64), places)  # last: read without the lock
        return places

    def told(self, at: np.ndarray) -> Told:
        """What those at some places tell."""
        sizes = self._sizes.rows.take(at).astype(np.intp)
        firsts = np.cumsum(sizes) - sizes
        shifts = np.repeat(self._starts.rows.take(at) - firsts, sizes)
        ids = self._ids.rows.take(np.arange(len(shifts)) + shifts)
        return Told(ids, sizes, self.flags(at))

    def flags(self, at: np.ndarray) -> np.ndarray:
        """uint8 [N, len(FLAGS)] of those at some places."""
        return self._flags.rows.take(at, axis=0)
