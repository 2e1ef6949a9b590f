"""Outlines: where the vectors of each list lie, so that a question reads the right lists first.

Questions lie off the main directions in which memories differ: of those of the bundled embedder, 64
axes that hold three fifths of the memories' variance hold 0.58 of the square. What short codes
leave out, a list's mean keeps: it is compared whole, which tells how promising a list is, and lifts
the scores of its vectors by what they have in common, so that codes need to tell the vectors of one
list apart only. As the coarse quantiser of Jégou et al. 2011, "Product Quantization for Nearest
Neighbor Search", https://doi.org/10.1109/TPAMI.2010.57; how ours differs: codes are of the vectors
themselves, not of what is left after the mean, and a list counts by its nearest, not its middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.blas import with_vector

_DEVIATIONS = 8.0  # what is nearest lies far from the middle: lists of many kinds first


@dataclass(frozen=True, slots=True)
class Outlines:
    """Of K lists: `means` float32 [K, D] of vectors; `centres` and `variances` float32 [K, P] of
    short codes."""

    means: np.ndarray
    centres: np.ndarray
    variances: np.ndarray

    @classmethod
    def of(cls, sums: np.ndarray, codes: np.ndarray, offsets: np.ndarray) -> Outlines:
        """Of lists whose vectors sum up to `sums` [K, D]; codes int8 [B, P] list by list."""
        count, width = len(sums), codes.shape[1]
        centres, variances = np.zeros((2, count, width), dtype=np.float32)
        sizes = np.diff(offsets)
        for place in np.flatnonzero(sizes).tolist():
            part = codes[offsets[place] : offsets[place + 1]].astype(np.float32)
            part.mean(axis=0, out=centres[place])
            part.var(axis=0, out=variances[place])
        means = sums / np.maximum(sizes, 1)[:, None].astype(np.float32)
        return cls(means, centres, variances)

    def promises(self, vector: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(how near the nearest of each list may come to a question's vector [D], what to add to
        the products of a list's codes with its `weights` [P]): float32 [K] each."""
        near = with_vector(self.means, vector)
        spread = np.sqrt(with_vector(self.variances, weights * weights))
        return near + np.float32(_DEVIATIONS) * spread, near - with_vector(self.centres, weights)


def summed(sums: np.ndarray, owner: np.ndarray, block: np.ndarray) -> None:
    """Add vectors float32 [N, D] to the `sums` [K, D] of the lists int [N] that they lie in."""
    order = np.argsort(owner, kind="stable")
    lists = owner[order]
    starts = np.flatnonzero(np.append(True, lists[1:] != lists[:-1]))
    sums[lists[starts]] += np.add.reduceat(block[order], starts, axis=0)
