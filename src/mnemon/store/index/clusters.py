"""k-means over vectors cut to their main directions: which list a vector belongs to.

Lloyd 1982, "Least squares quantization in PCM", https://doi.org/10.1109/TIT.1982.1056489, on a
sample. Distances are Euclidean, which for unit vectors ranks as the cosine does; the main
directions decide as well as all of them at a quarter of the price.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ROUNDS = 6
_SAMPLE = 40  # vectors a list to learn from
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Clusters:
    """`centroids` float32 [K, P]."""

    centroids: np.ndarray

    @classmethod
    def learn(cls, points: np.ndarray, count: int, seed: int = 0) -> Clusters:
        """`count` clusters of points float32 [S, P]."""
        draw = np.random.default_rng(seed)
        centroids = points[draw.choice(len(points), count, replace=False)].copy()
        for _ in range(_ROUNDS):
            owner = _nearest(points, centroids)
            sizes = np.bincount(owner, minlength=count)
            used = sizes > 0
            starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])[used]
            sums = np.add.reduceat(points[np.argsort(owner, kind="stable")], starts, axis=0)
            centroids[used] = sums / sizes[used, None]
            centroids[~used] = points[draw.choice(len(points), int((~used).sum()))]
        return cls(centroids)

    def assign(self, points: np.ndarray) -> np.ndarray:
        """The nearest cluster int32 [N] of points float32 [N, P]."""
        return _nearest(points, self.centroids)


def sample_size(count: int) -> int:
    """How many vectors to learn `count` clusters from."""
    return count * _SAMPLE


def _nearness(points: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    scores: np.ndarray = points @ centroids.T - np.einsum("kp,kp->k", centroids, centroids) / 2
    return scores


def _nearest(points: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    owner = np.empty(len(points), dtype=np.int32)
    for start in range(0, len(points), _BLOCK):
        owner[start : start + _BLOCK] = _nearness(points[start : start + _BLOCK], centroids).argmax(
            axis=1
        )
    return owner
