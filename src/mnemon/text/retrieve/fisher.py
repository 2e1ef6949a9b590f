"""Fisher: a cube is a Gaussian, and closeness is the Fisher-Rao distance to the question's.

A cube's mean is its vector; its variance, in each dimension, is how far the turns around it lie
from it: what is said in passing between other things is uncertain, what a whole exchange is about
is sure. The distance between diagonal Gaussians is the geodesic one of the Fisher metric: in each
dimension that of the hyperbolic half-plane, over dimensions the root of the sum of squares.
Bhardwaj 2026, "SuperLocalMemory V3: Information-Geometric Foundations for Zero-LLM Enterprise Agent
Memory", https://arxiv.org/abs/2603.14588; the distance: Atkinson & Mitchell 1981, "Rao's distance
measure", Sankhya A 43. Official code (qualixar/superlocalmemory, AGPL-3.0, `math/fisher.py` at
2979d765): read, not used. How ours differs: there the variance is high where the vector itself is
near 0 and narrows with use, and stands where the formula has the standard deviation; the question's
variance is here the mean of the cubes'. With `spread=0` all variances are equal, and the order is
nearly that of cosine.
On LoCoMo the distance alone finds a little more than cosine; fused with words, no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.blas import with_vector
from mnemon.store.view import View
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best, nothing

__all__ = ["Fisher"]


@dataclass(frozen=True)
class Fisher:
    """Options.

    Attributes:
        spread: how much of the neighbours' squared distance counts as variance.
        floor: the least standard deviation.
        reach: neighbours before and after that count.
        temperature: a distance of so much makes a score of 1 / e.
        depth: so many cubes, the closest by cosine, are compared.
        most: at most so many cubes are returned.
    """

    spread: float = 0.3
    floor: float = 0.05
    reach: int = 2
    temperature: float = 15.0
    depth: int = 400
    most: int = 400

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Cubes at the least distance first; only those that point the question's way at all."""
        if view.vectors is None or query.vector is None or not query.vector.any():
            return nothing("fisher")
        similar = with_vector(view.vectors, query.vector)
        near = np.flatnonzero(view.eligible & (similar > 0.0))
        near = np.sort(best("fisher", near, similar[near], self.depth).indices)
        if not len(near):
            return nothing("fisher")
        deviation = np.sqrt(self._variance(view, near))
        asked = np.sqrt(np.mean(deviation**2, axis=0))
        away = distances(view.vectors[near], deviation, query.vector, asked)
        told = dict(zip(near.tolist(), away.tolist(), strict=True))

        def why(indices: Sequence[int]) -> list[str]:
            return [f"Fisher-Rao distance {told[index]:.1f}" for index in indices]

        scores = np.exp(-away / self.temperature).astype(np.float32)
        return best("fisher", near, scores, self.most, why=why)

    def _variance(self, view: View, indices: np.ndarray) -> np.ndarray:
        """float32 [M, D] for some indices: the mean square by which neighbours lie away."""
        assert view.vectors is not None
        own, total = view.vectors[indices], len(view.rows)
        away = np.zeros_like(own)
        seen = np.zeros((len(indices), 1), dtype=np.float32)
        for step in (view.before, view.after):
            places = indices
            for _ in range(self.reach):
                places = step[places]
                there = (places < total)[:, None]
                away += there * (view.vectors[np.minimum(places, total - 1)] - own) ** 2
                seen += there
        variance: np.ndarray = self.floor**2 + self.spread * away / np.maximum(seen, 1.0)
        return variance


def distances(
    means: np.ndarray, deviations: np.ndarray, mean: np.ndarray, deviation: np.ndarray
) -> np.ndarray:
    """Fisher-Rao distances float32 [M] of Gaussians, [M, D] each, from one of [D]; 0 is the same.

    Deviations are standard ones, above 0.
    """
    apart = (means - mean) ** 2 + 2.0 * (deviations - deviation) ** 2
    # arccosh(1 + x), without losing a small x to the 1
    steps = 2.0 * np.arcsinh(np.sqrt(apart / (8.0 * deviations * deviation)))
    result: np.ndarray = np.sqrt(2.0 * np.einsum("md,md->m", steps, steps))
    return result
