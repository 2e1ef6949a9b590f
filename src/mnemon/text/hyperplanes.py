"""Hyperplanes: random-hyperplane hashing: vectors at a small angle share buckets.

Each table cuts space by a few random hyperplanes; the sides a vector lies on are its bucket there.
Two vectors at angle a lie on the same side of one with probability 1 - a/pi. Charikar 2002,
"Similarity estimation techniques from rounding algorithms", STOC,
https://doi.org/10.1145/509907.509965. Probing the buckets nearest to a query, by how far it lies
from the planes between: Lv et al. 2007, "Multi-Probe LSH", VLDB,
https://www.vldb.org/conf/2007/papers/research/p950-lv.pdf. How ours differs: vectors are centred
first, which sentence vectors need (they all point one way), and tables vote: an entry's distance is
the sum over tables of its bucket's, where the paper takes the union of the nearest buckets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

_ROWS = 256  # projected at once: a block that stays in the cache, and BLAS in this thread


@dataclass(frozen=True, slots=True)
class Tables:
    """N vectors hashed: `buckets` uint16 [T, N], `centre` float32 [D], `planes` float32 [D, T * b]
    of `bits` b to a table."""

    buckets: np.ndarray
    centre: np.ndarray
    planes: np.ndarray
    bits: int

    def own(self, vector: np.ndarray) -> np.ndarray:
        """bool [N]: which entries share a query's bucket in any table."""
        asked = _bucketed(vector[None], self.centre, self.planes, self.bits)
        shared: np.ndarray = (self.buckets == asked).any(axis=0)
        return shared

    def distances(self, vector: np.ndarray) -> np.ndarray:
        """float32 [N]: how far a query's buckets lie from each entry's, summed over the tables.

        In a table it is the sum, over the planes between them, of the query's squared distance.
        """
        margins = (vector - self.centre) @ self.planes
        sides = (_patterns(self.bits) > 0).astype(np.float32)
        total = np.zeros(self.buckets.shape[1], dtype=np.float32)
        for table, buckets in enumerate(self.buckets):
            own = margins[table * self.bits : (table + 1) * self.bits]
            away = (sides != (own > 0)) @ (own * own)
            total += away[buckets]
        return total

    def together(self) -> Iterator[np.ndarray]:
        """int64 [M] indices of entries that share a bucket of one table, for every bucket with
        two or more."""
        for buckets in self.buckets:
            order = np.argsort(buckets, kind="stable")
            cuts = np.flatnonzero(np.diff(buckets[order])) + 1
            yield from (group for group in np.split(order, cuts) if len(group) > 1)


def hashed(vectors: np.ndarray, tables: int, bits: int, seed: int) -> Tables:
    """Rows float32 [N, D] in `tables` tables of `2 ** bits` buckets.

    The centre is the mean of the leading rows, as many as the greatest power of two within N, so
    that it stays the same while few rows are added.
    """
    leading = 1 << max(0, len(vectors).bit_length() - 1)
    centre = vectors[:leading].mean(axis=0) if len(vectors) else np.zeros(vectors.shape[1])
    planes = _planes(vectors.shape[1], tables * bits, seed)
    centre = centre.astype(np.float32)
    return Tables(_bucketed(vectors, centre, planes, bits), centre, planes, bits)


def extended(tables: Tables, vectors: np.ndarray) -> Tables:
    """The same with rows float32 [M, D] behind those that are there."""
    fresh = _bucketed(vectors, tables.centre, tables.planes, tables.bits)
    return replace(tables, buckets=np.concatenate([tables.buckets, fresh], axis=1))


def _bucketed(vectors: np.ndarray, centre: np.ndarray, planes: np.ndarray, bits: int) -> np.ndarray:
    """uint16 [T, N]: the bucket of each row in each table."""
    weights = (1 << np.arange(bits)).astype(np.uint16)
    count = planes.shape[1] // bits
    buckets = np.empty((count, len(vectors)), dtype=np.uint16)
    for start in range(0, len(vectors), _ROWS):
        block = (vectors[start : start + _ROWS] - centre) @ planes > 0
        sides = block.reshape(len(block), count, bits)
        buckets[:, start : start + _ROWS] = (sides * weights).sum(axis=2, dtype=np.uint16).T
    return buckets


@lru_cache(maxsize=8)
def _planes(dimension: int, count: int, seed: int) -> np.ndarray:
    """Normals float32 [dimension, count], orthogonal within each run of `dimension` of them: planes
    at right angles tell more than independent ones."""
    random = np.random.default_rng(seed)
    runs = [
        np.linalg.qr(random.standard_normal((dimension, dimension)))[0]
        for _ in range(-(-count // dimension))
    ]
    return np.concatenate(runs, axis=1)[:, :count].astype(np.float32)


@lru_cache(maxsize=16)
def _patterns(bits: int) -> np.ndarray:
    """int64 [2 ** bits, bits]: which side of each plane the buckets lie on, 0 or 1."""
    return (np.arange(1 << bits)[:, None] >> np.arange(bits)) & 1
