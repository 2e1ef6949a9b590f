"""K-means of unit vectors, and which members stand nearest to the middle of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_STARTS, _ROUNDS = 10, 100


@dataclass(frozen=True)
class Cluster:
    """Some of the vectors.

    Attributes:
        members: their numbers, rising. medoids: the same, nearest to the centroid by cosine first.
        centroid: their mean, made unit, float32 `[D]`.
    """

    members: tuple[int, ...]
    medoids: tuple[int, ...]
    centroid: NDArray[np.float32]


def clustered(vectors: ArrayLike, count: int, seed: int = 0) -> list[Cluster]:
    """At most `count` clusters of `vectors` `[N, D]`, in the order of their first members.

    k-means++ from `seed`, ten times, the one with the least squared distances; the same vectors
    give the same clusters. Vectors are made unit first; fewer different ones give fewer clusters.

    Raises:
        InvalidInput: no vectors, not two dimensions, something not finite, or `count` below 1.
    """
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2 or not len(rows) or not np.isfinite(rows).all() or count < 1:
        raise InvalidInput(
            f"clusters are made of finite vectors [N, D], one or more, and of one or more"
            f" clusters: these have shape {rows.shape}, and {count} are asked for"
        )
    rows = _unit(rows)
    rng = np.random.default_rng(seed)
    count = min(count, len(np.unique(rows, axis=0)))
    tried = [_lloyd(rows, _start(rows, count, rng)) for _ in range(_STARTS)]
    labels, _ = min(tried, key=lambda one: one[1])
    found = [_cluster(rows, np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return sorted(found, key=lambda one: one.members[0])


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True).clip(min=1e-12)


def _start(rows: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Centres by k-means++: each next one drawn by its squared distance to those drawn before."""
    centres = [rows[rng.integers(len(rows))]]
    while len(centres) < count:
        away = _distances(rows, np.stack(centres)).min(1)
        centres.append(rows[rng.choice(len(rows), p=away / away.sum())])
    return np.stack(centres)


def _distances(rows: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances `[N, K]`."""
    apart: NDArray[np.float64] = np.square(rows[:, None] - centres[None]).sum(-1)
    return apart


def _lloyd(
    rows: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[NDArray[np.intp], float]:
    """Labels `[N]` that no longer change, and the sum of squared distances."""
    labels = _distances(rows, centres).argmin(1)
    for _ in range(_ROUNDS):
        there = np.unique(labels)  # a centre that nobody is near any more goes
        centres = np.stack([rows[labels == label].mean(0) for label in there])
        new = _distances(rows, centres).argmin(1)
        if np.array_equal(new, np.searchsorted(there, labels)):
            break
        labels = new
    return labels, float(_distances(rows, centres).min(1).sum())


def _cluster(rows: NDArray[np.float64], members: NDArray[np.intp]) -> Cluster:
    centroid = _unit(rows[members].mean(0)[None])[0]
    order = np.argsort(-(rows[members] @ centroid), kind="stable")
    return Cluster(
        tuple(members.tolist()), tuple(members[order].tolist()), centroid.astype(np.float32)
    )
