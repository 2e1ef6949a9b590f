"""Vectors of a view: kept as int8 and a scale a row, and read only where they are wanted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mnemon.store.index.codes import Codes


@dataclass(slots=True)
class Vectors:
    """Unit rows [N, D], zero where a version has none: all of `codes`, or those at `chosen`.

    A question is compared with the int8 components themselves: a quarter of the bytes, and at
    10,000 rows it is reading them that takes the time.
    """

    codes: Codes
    chosen: np.ndarray | None = None
    _all: np.ndarray | None = field(default=None, init=False, repr=False)

    @property
    def made(self) -> int:
        """Bytes that `all` holds."""
        return 0 if self._all is None else self._all.nbytes

    def all(self) -> np.ndarray:
        """float32 [N, D], made on first use."""
        if self._all is None:
            self._all = self.codes.all() if self.chosen is None else self.codes.rows(self.chosen)
        return self._all

    def rows(self, indices: np.ndarray) -> np.ndarray:
        """float32 [M, D] of indices int [M]."""
        return self.codes.rows(indices if self.chosen is None else self.chosen.take(indices))

    def cosines(self, vector: np.ndarray) -> np.ndarray:
        """Inner products float32 [N] with a unit vector [D]."""
        if self.chosen is None:
            return self.codes.all_scores(vector)
        return self.codes.scores(self.chosen, vector)
