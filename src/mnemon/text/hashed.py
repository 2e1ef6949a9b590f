"""A hash table of 64-bit keys in arrays: thousands of look-ups in a few array operations."""

from __future__ import annotations

import numpy as np

_SMALLEST = 4096
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class Hashed:
    """uint64 keys, none 0 → int32 values, none negative. One thread writes, any may read.

    Open addressing with linear probing (Knuth, The Art of Computer Programming 3, section 6.4).
    """

    def __init__(self) -> None:
        # One name for both, so that a reader never sees the keys of one table and another's values.
        self._table = _empty(_SMALLEST)
        self._count = 0

    def get(self, keys: np.ndarray) -> np.ndarray:
        """Values int32 [N] of keys [N], -1 where there is none."""
        held, values = self._table
        at, here = _found(held, keys)
        return np.where(here, values.take(at), np.int32(-1))

    def put(self, keys: np.ndarray, values: np.ndarray) -> None:
        """Set the values [N] of different keys [N]."""
        held, held_values = self._table
        at, here = _found(held, keys)
        if here.any():
            held_values[at[here]] = values[here]
            keys, values = keys[~here], values[~here]
        self._count += len(keys)
        if 2 * self._count > len(held):
            self._grow(1 << (4 * self._count).bit_length())
        _fill(*self._table, keys, values)

    def reserve(self, total: int) -> None:
        """Make room for so many keys in all."""
        size = 1 << (2 * total - 1).bit_length()
        if size > len(self._table[0]):
            self._grow(size)

    def _grow(self, size: int) -> None:
        (held, held_values), table = self._table, _empty(size)
        there = np.flatnonzero(held)
        _fill(*table, held[there], held_values[there])
        self._table = table

    def above(self, least: int) -> Hashed:
        """A table of the keys whose values are at least so much."""
        held, values = self._table
        kept, new = np.flatnonzero((held != 0) & (values >= least)), Hashed()
        new.put(held[kept], values[kept])
        return new


def _empty(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(size, dtype=np.uint64), np.empty(size, dtype=np.int32)


def _places(keys: np.ndarray, size: int) -> np.ndarray:
    shift = np.uint64(64 - (size.bit_length() - 1))
    places: np.ndarray = ((keys * _SPREAD) >> shift).astype(np.intp)
    return places


def _found(held: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the place of each key, whether it is there)."""
    at = _places(keys, len(held))
    found = held.take(at)
    here = found == keys
    pending = np.flatnonzero(~here & (found != 0))
    while len(pending):
        further = (at[pending] + 1) & (len(held) - 1)
        at[pending] = further
        found = held.take(further)
        same = found == keys[pending]
        here[pending[same]] = True
        pending = pending[~same & (found != 0)]
    return at, here


def _fill(held: np.ndarray, held_values: np.ndarray, keys: np.ndarray, values: np.ndarray) -> None:
    at = _places(keys, len(held))
    while len(keys):
        free = np.flatnonzero(held[at] == 0)
        # Of several for one place the first gets it. Values before keys: readers take no lock.
        _, first = np.unique(at[free], return_index=True)
        chosen = free[first]
        held_values[at[chosen]] = values[chosen]
        held[at[chosen]] = keys[chosen]
        left = np.ones(len(keys), dtype=bool)
        left[chosen] = False
        keys, values, at = keys[left], values[left], (at[left] + 1) & (len(held) - 1)
