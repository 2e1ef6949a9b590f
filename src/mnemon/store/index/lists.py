"""Inverted lists of short codes: which versions are probably nearest to a vector.

Vectors lie in lists by k-means; a search compares the short codes (`directions.py`) of every vector
in the nearest lists, then the true components of the best of those. In the manner of SPANN (Chen et
al. 2021, https://arxiv.org/abs/2111.08566), which keeps whole vectors in its lists on disk. How
ours differs: the lists hold short codes, a quarter of the bytes, so that many can be read (a third
of a million vectors); vectors stay in recording order, so that they need no rewriting as they come;
a vector lies in one list. New vectors form one more list, read by every search.

Why not a graph: at 100,000 usearch 2.26 (HNSW, int8, 16 links) is as fast, but takes 47 s to build
where this takes 1 s, cannot be filtered, and is one more dependency. Why not lists of whole
vectors: questions lie far from what answers them, so that most lists of 100,000 would have to be
read, at four times the bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mnemon.store.index.clusters import Clusters, sample_size
from mnemon.store.index.codes import Codes
from mnemon.store.index.directions import Directions, products
from mnemon.store.index.grown import Grown
from mnemon.store.index.outlines import Outlines, summed

_FLAT = 60_000  # below, one list is as fast
_TAIL = 65_536
_SAMPLE = 8192
# Of N vectors, for one question: how many are compared by their short codes, the lesser of
# _READ * N^(2/3) and _READ_OF_ALL * N; and of these by their components, the lesser of
# _KEPT * N^(1/2) and _KEPT_OF_ALL * N.
_READ, _READ_OF_ALL = 32.0, 0.32
_KEPT, _KEPT_OF_ALL = 30.0, 0.038


@dataclass(frozen=True, slots=True)
class Wanted:
    """`group` uint8 [N] of each version, from 1 on, 0 if it is not eligible; of each group at most
    so many."""

    group: np.ndarray
    most: Sequence[int]


@dataclass(slots=True)
class Lists:
    """`ids` int32 [B] and `codes` int8 [B, P] lie list by list, borders in `offsets` [K+1].

    The tail holds the versions from index B on.
    """

    directions: Directions
    clusters: Clusters | None
    offsets: np.ndarray
    ids: np.ndarray
    codes: np.ndarray
    trained: int
    outlines: Outlines | None
    _tail: Grown = field(init=False)

    def __post_init__(self) -> None:
        self.codes = self.codes.view(np.ndarray)  # a memmap's own indexing is slow
        self._tail = Grown(np.zeros((0, self.codes.shape[1]), dtype=np.int8))

    @classmethod
    def build(
        cls, codes: Codes, old: Lists | None = None, check: Callable[[], None] = lambda: None
    ) -> Lists:
        """Lists of all vectors; those of `old` with their clusters as long as these fit.

        `check` is called now and then; what it raises ends the work.
        """
        total = len(codes)
        if old is not None and total < 8 * old.trained:
            directions, clusters, trained = old.directions, old.clusters, old.trained
        else:
            directions, clusters, trained = *_learn(codes, check), total
        short = np.empty((total, directions.basis.shape[1]), dtype=np.int8)
        owner = np.zeros(total, dtype=np.int32)
        count = 1 if clusters is None else len(clusters.centroids)
        sums = np.zeros((count, codes.dimension), dtype=np.float32)
        for start, block in codes.blocks(0):
            check()
            points = directions.points(block)
            short[start : start + len(block)] = directions.codes(points)
            if clusters is not None:
                lists = owner[start : start + len(block)] = clusters.assign(points)
                summed(sums, lists, block)
        ids = np.argsort(owner, kind="stable").astype(np.int32)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=count))])
        if clusters is None:
            return cls(directions, None, offsets, ids, short, trained, None)
        short = short[ids]
        outlines = Outlines.of(sums, short, offsets)
        return cls(directions, clusters, offsets, ids, short, trained, outlines)

    def __len__(self) -> int:
        return len(self.ids) + len(self._tail)

    @property
    def nbytes(self) -> int:
        """Bytes held or mapped."""
        return self.ids.nbytes + self.codes.nbytes + self._tail.nbytes

    @property
    def outgrown(self) -> bool:
        """Whether the tail has become long enough to be sorted into the lists."""
        return len(self._tail) > max(_TAIL, len(self.ids) // 4)

    def extend(self, codes: Codes) -> None:
        """Take in the vectors that `codes` has gained."""
        for _, block in codes.blocks(len(self)):
            self._tail.extend(self.directions.codes(self.directions.points(block)))

    def nearest(self, codes: Codes, vector: np.ndarray, wanted: Wanted) -> list[np.ndarray]:
        """For each group about its indices with the highest inner products, best first."""
        ids, scores, group = self._compared(vector, wanted)
        found, every = [], sum(wanted.most)
        for number, most in enumerate(wanted.most, 1):
            keep = max(2 * most, int(self._closely * most / every))
            at = best(scores, group == number, keep)
            at = at if ids is None else ids.take(at)
            found.append(highest(at, codes.scores(at, vector), most))
        return found

    @property
    def _closely(self) -> float:
        """How many are compared by their components, for one question."""
        return min(_KEPT * math.sqrt(len(self)), _KEPT_OF_ALL * len(self))

    def _compared(
        self, vector: np.ndarray, wanted: Wanted
    ) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """(indices, None for all in order; their scores by short codes; their groups) of the
        nearest lists; of more where few are eligible."""
        weights = self.directions.weights(vector)
        tail = np.empty(len(self._tail), dtype=np.float32)
        products(self._tail.rows, weights, tail)
        if self.outlines is None:
            scores = np.empty(len(self.ids), dtype=np.float32)
            products(self.codes, weights, scores)
            scores = np.concatenate([scores, tail]) if len(tail) else scores
            return None, scores, wanted.group
        promises, common = self.outlines.promises(vector, weights)
        order = np.argsort(-promises)
        tail += np.float32(self.directions.middle @ vector)
        reach = np.cumsum(np.diff(self.offsets)[order])
        read = [(np.arange(len(self.ids), len(self), dtype=np.int32), tail)] if len(tail) else []
        enough, first = min(_READ * len(self) ** (2 / 3), _READ_OF_ALL * len(self)), 0
        while True:
            last = min(len(order), int(np.searchsorted(reach, enough)) + 1)
            read.append(self._read(np.sort(order[first:last]), weights, common))
            ids, scores = (
                read[0] if len(read) == 1 else map(np.concatenate, zip(*read, strict=True))
            )
            group = wanted.group.take(ids)  # once for all: they lie anywhere
            if last == len(order) or all(
                np.count_nonzero(group == number) >= 4 * most
                for number, most in enumerate(wanted.most, 1)
            ):
                return ids, scores, group
            read, first, enough = [(ids, scores)], last, 4 * enough

    def _read(
        self, chosen: np.ndarray, weights: np.ndarray, common: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        firsts = np.flatnonzero(np.append(True, np.diff(chosen) != 1))  # of lists in a row
        lasts = np.append(firsts[1:], len(chosen)) - 1
        starts, ends = self.offsets[chosen[firsts]], self.offsets[chosen[lasts] + 1]
        parts = list(zip(starts.tolist(), ends.tolist(), strict=True))
        scores = common.take(chosen).repeat(self.offsets[chosen + 1] - self.offsets[chosen])
        own = np.empty(len(scores), dtype=np.float32)
        products(self.codes, weights, own, parts)
        scores += own
        return np.concatenate([self.ids[start:end] for start, end in parts]), scores


def best(scores: np.ndarray, inside: np.ndarray, keep: int, above: float = -np.inf) -> np.ndarray:
    """Places of about the `keep` highest scores of those `inside`, never fewer; none that is not
    `above` a score.

    The border is that of a sample: it costs a third of sorting, and all are compared again.
    """
    step = max(1, len(scores) // _SAMPLE)
    sample = scores[::step]
    sample = sample[inside[::step] & (sample > above)]
    rank = int(1.1 * keep / step) + 8
    if step > 1 and rank < len(sample):
        border = np.partition(sample, len(sample) - rank)[len(sample) - rank]
        found = np.flatnonzero((scores >= border) & inside)
        if len(found) >= keep:
            return found
    places = np.flatnonzero(inside & (scores > above))
    if len(places) <= keep:
        return places
    among = scores.take(places)
    border = np.partition(among, len(among) - keep)[len(among) - keep]
    return places.take(np.flatnonzero(among >= border))


def highest(ids: np.ndarray, scores: np.ndarray, most: int) -> np.ndarray:
    """The `most` of `ids` with the highest scores, best first, equal ones in recording order."""
    if len(ids) > most:
        best = np.flatnonzero(scores >= np.partition(scores, len(ids) - most)[len(ids) - most])
        ids, scores = ids[best], scores[best]
    found: np.ndarray = ids[np.lexsort((ids, -scores))][:most]
    return found


def _learn(codes: Codes, check: Callable[[], None]) -> tuple[Directions, Clusters | None]:
    total = len(codes)
    draw = np.random.default_rng(0)
    count = 0 if total < _FLAT else 512 if total < 150_000 else 1024 if total < 4_000_000 else 4096
    size = min(total, max(20_000, sample_size(count)))
    sample = codes.rows(np.sort(draw.choice(total, size, replace=False)))
    sample = sample[draw.permutation(size)]
    directions = Directions.learn(sample)
    check()
    return directions, None if not count else Clusters.learn(directions.points(sample), count)
