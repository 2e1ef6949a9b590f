"""The vectors of a big scope as the store keeps them: int8 components and a scale a row.

260 bytes a vector of 256 instead of 1,024. The older part may lie in a file, memory-mapped.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mnemon.blas import rows_with_vector
from mnemon.store.index.grown import Grown
from mnemon.store.protocol import Store

_BLOCK = 512  # rows turned into float32 at once: they stay in the processor's cache


class Codes:
    """int8 [N, D] and float32 [N]; index i is version i of the scope, zero without a vector."""

    def __init__(self, codes: np.ndarray, scales: np.ndarray) -> None:
        self._base = codes.view(np.ndarray)  # a memmap's own indexing is slow
        self._scales = Grown(np.array(scales, dtype=np.float32))
        self._tail = Grown(np.zeros((0, codes.shape[1]), dtype=np.int8))

    @classmethod
    def empty(cls, dimension: int) -> Codes:
        """No rows."""
        return cls(np.zeros((0, dimension), np.int8), np.zeros(0, np.float32))

    @classmethod
    def of(cls, store: Store, space: str) -> Codes | None:
        """No rows of an embedding space; None if the store does not have it."""
        dimension = next((s.dimension for s in store.spaces() if s.name == space), None)
        return None if dimension is None else cls.empty(dimension)

    def __len__(self) -> int:
        return len(self._scales)

    @property
    def nbytes(self) -> int:
        """Bytes held or mapped."""
        return self._base.nbytes + self._tail.nbytes + self._scales.nbytes

    @property
    def dimension(self) -> int:
        """D."""
        return int(self._base.shape[1])

    def grow(self, total: int) -> None:
        """Append zero rows up to a number of rows."""
        more = total - len(self)
        self._tail.extend(np.zeros((more, self.dimension), dtype=np.int8))
        self._scales.extend(np.zeros(more, dtype=np.float32))

    def put(self, where: np.ndarray, codes: np.ndarray, scales: np.ndarray) -> None:
        """Write rows at indices that are not in the file."""
        self._tail.rows[where - len(self._base)] = codes
        self._scales.rows[where] = scales

    def rows(self, where: np.ndarray) -> np.ndarray:
        """Vectors float32 [M, D] at indices."""
        found = np.empty((len(where), self.dimension), dtype=np.float32)
        raw = np.empty((min(_BLOCK, len(where)), self.dimension), dtype=np.int8)
        for start in range(0, len(where), _BLOCK):
            at = where[start : start + _BLOCK]
            part = found[start : start + _BLOCK]
            part[...] = self._raw(at, raw[: len(at)])
            part *= self._scales.rows.take(at)[:, None]
        return found

    def all(self) -> np.ndarray:
        """Vectors float32 [N, D]."""
        return self.rows(np.arange(len(self)))

    def scores(self, where: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Inner products float32 [M] of rows with a vector."""
        found = np.empty(len(where), dtype=np.float32)
        rows = rows_with_vector(self.dimension)
        room = np.empty((min(rows, len(where)), self.dimension), dtype=np.float32)
        raw = np.empty(room.shape, dtype=np.int8)
        for start in range(0, len(where), rows):
            at = where[start : start + rows]
            block = room[: len(at)]
            block[...] = self._raw(at, raw[: len(at)])
            np.dot(block, vector, out=found[start : start + rows])
        found *= self._scales.rows.take(where)
        return found

    def all_scores(self, vector: np.ndarray) -> np.ndarray:
        """Inner products float32 [N] of all rows with a vector."""
        found = np.empty(len(self), dtype=np.float32)
        border, rows = len(self._base), rows_with_vector(self.dimension)
        room = np.empty((min(rows, len(self)), self.dimension), dtype=np.float32)
        for raw, out in ((self._base, found[:border]), (self._tail.rows, found[border:])):
            for start in range(0, len(raw), rows):
                part = raw[start : start + rows]
                block = room[: len(part)]
                block[...] = part
                np.dot(block, vector, out=out[start : start + rows])
        found *= self._scales.rows
        return found

    def first(self, total: int) -> Codes:
        """The first rows, which are never written again: for a thread beside this one."""
        made = Codes(self._base[:total], self._scales.rows[:total])
        made._tail = Grown(self._tail.rows[: max(0, total - len(self._base))])
        return made

    def blocks(self, start: int, size: int = 8192) -> Iterator[tuple[int, np.ndarray]]:
        """(first index, vectors float32 [size, D]) of all rows from `start` on."""
        for first in range(start, len(self), size):
            yield first, self.rows(np.arange(first, min(first + size, len(self))))

    def write(self, path: str) -> None:
        """All rows into one file in numpy's format."""
        shape = (len(self), self.dimension)
        file = np.lib.format.open_memmap(path, mode="w+", dtype=np.int8, shape=shape)
        file[: len(self._base)] = self._base
        file[len(self._base) :] = self._tail.rows
        file.flush()

    @property
    def scales(self) -> np.ndarray:
        """float32 [N]."""
        return self._scales.rows

    def _raw(self, at: np.ndarray, found: np.ndarray) -> np.ndarray:
        """Components at indices [M], put into `found` int8 [M, D]."""
        border = len(self._base)
        if not border or not len(self._tail):
            whole = self._base if border else self._tail.rows
            return whole.take(at, axis=0, out=found, mode="clip")  # "raise" would use a copy
        old = at < border
        found[old] = self._base[at[old]]
        found[~old] = self._tail.rows[at[~old] - border]
        return found
