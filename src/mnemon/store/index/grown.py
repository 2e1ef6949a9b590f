"""An array that grows at its end without being copied each time."""

from __future__ import annotations

import numpy as np


class Grown:
    """Rows [N, ...] in one block with room to spare. Slices given out before stay valid."""

    def __init__(self, rows: np.ndarray) -> None:
        self._block = rows
        self._size = len(rows)

    def __len__(self) -> int:
        return self._size

    @property
    def rows(self) -> np.ndarray:
        """All rows so far; not a copy."""
        return self._block[: self._size]

    @property
    def nbytes(self) -> int:
        """Bytes held, the spare room included."""
        return self._block.nbytes

    def extend(self, rows: np.ndarray) -> None:
        """Append rows [M, ...]."""
        need = self._size + len(rows)
        if need > len(self._block):
            self.reserve(max(need, len(self._block) + len(self._block) // 4, 16))
        self._block[self._size : need] = rows
        self._size = need

    def reserve(self, total: int) -> None:
        """Make room for so many rows in all: the system gives it page by page as they come."""
        if total > len(self._block):
            block = np.empty((total, *self._block.shape[1:]), dtype=self._block.dtype)
            block[: self._size] = self.rows
            self._block = block
