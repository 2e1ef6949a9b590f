"""k-means over vectors cut to their main directions: which list a vector belongs to.

Lloyd 1982, "Least squares quantization in PCM", https://doi.org/10.1109/TIT.1982.1056489, on a
sample. Distances are Euclidean, which for unit vectors ranks as the cosine does, and needs no
centring; the 64 main directions decide as well as all 256 at a quarter of the price (of the true
ten nearest, 99.4% lie in the nearest fifth of 1,024 lists; with all directions 98-99%).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_DIRECTIONS = 64
_ROUNDS = 6
_SAMPLE = 40  # vectors a list to learn from
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Clusters:
    """`middle` float32 [D], `basis` float32 [D, P], `centroids` float32 [K, P]."""

    middle: np.ndarray
    basis: np.ndarray
    centroids: np.ndarray

    @classmethod
    def learn(cls, sample: np.ndarray, count: int, seed: int = 0) -> Clusters:
        """`count` clusters of a sample float32 [S, D]."""
        draw = np.random.default_rng(seed)
        middle = sample.mean(axis=0)
        basis = _main_directions(sample - middle)
        points = (sample - middle) @ basis
        centroids = points[draw.choice(len(points), count, replace=False)].copy()
        for _ in range(_ROUNDS):
            owner = _nearest(points, centroids)
            sizes = np.bincount(owner, minlength=count)
            used = sizes > 0
            starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])[used]
            sums = np.add.reduceat(points[np.argsort(owner, kind="stable")], starts, axis=0)
            centroids[used] = sums / sizes[used, None]
            centroids[~used] = points[draw.choice(len(points), int((~used).sum()))]
        return cls(middle, basis, centroids)

    def assign(self, matrix: np.ndarray) -> np.ndarray:
        """The nearest cluster int32 [N] of vectors float32 [N, D]."""
        return _nearest((matrix - self.middle) @ self.basis, self.centroids)

    def order(self, vector: np.ndarray) -> np.ndarray:
        """All clusters, nearest first."""
        point = (vector - self.middle) @ self.basis
        found: np.ndarray = np.argsort(-_nearness(point[None], self.centroids)[0])
        return found


def sample_size(count: int) -> int:
    """How many vectors to learn `count` clusters from."""
    return count * _SAMPLE


def _main_directions(centred: np.ndarray) -> np.ndarray:
    among = centred[: 64 * _DIRECTIONS]
    _, vectors = np.linalg.eigh(among.T @ among)
    basis: np.ndarray = np.ascontiguousarray(vectors[:, -_DIRECTIONS:], dtype=np.float32)
    return basis


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
