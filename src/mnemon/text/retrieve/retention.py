"""Retention: closeness in meaning, less for what is being forgotten.

MemoryBank keeps of a memory, t days after it was last recalled, R = exp(-t / S), where the strength
S is 1 at first and 1 more with every recall (Ebbinghaus' forgetting curve). Zhong et al. 2023,
"MemoryBank: Enhancing Large Language Models with Long-Term Memory",
https://arxiv.org/abs/2305.10250. How ours differs: there what is forgotten is deleted
(`maintain/forgetting_curve.py` does that) and what is left is found by similarity alone; here a
fading cube sinks before it goes (`loss=0` is similarity alone). Time counts in whole days, so that
within a day only recalls change an answer; never recalled counts from when it was true.
Being recalled is no proof of having been wanted: what was found once is found again, and questions
about other things are answered worse, the more so the greater the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnemon.blas import with_vector
from mnemon.store.view import View
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best, nothing

__all__ = ["Retention"]

_DAY = 24 * 3600 * 1_000_000


@dataclass(frozen=True)
class Retention:
    """Options.

    Attributes:
        loss: what a wholly forgotten cube loses, where 1 is the similarity by which the mean cube
            falls short of a perfect one.
        days: after so many days a cube of strength 1 is down to 1 / e.
        depth: the usage of so many cubes, the closest in meaning, is read; the others are left out.
        least: cosine worth returning.
        most: at most so many cubes are returned.
    """

    loss: float = 0.02
    days: float = 1.0
    depth: int = 400
    least: float = 0.05
    most: int = 400

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Cubes closest in meaning, less for those that fade."""
        if view.vectors is None or query.vector is None or not query.vector.any():
            return nothing("retention")
        similar = with_vector(view.vectors, query.vector)
        near = np.flatnonzero(view.eligible & (similar > self.least))
        if not len(near):
            return nothing("retention")
        # All cosines of some embedders are high: the loss is measured by what lies above the usual.
        short = 1.0 - float(similar[near].mean())
        near = np.sort(best("retention", near, similar[near], self.depth).indices)
        kept = self._kept(view, near)
        scores = similar[near] - np.float32(self.loss * short) * (1.0 - kept)
        told = dict(zip(near.tolist(), kept.tolist(), strict=True))

        def why(indices: Sequence[int]) -> list[str]:
            return [f"similarity {similar[i]:.2f}, retention {told[i]:.2f}" for i in indices]

        return best("retention", near, scores, self.most, why=why)

    def _kept(self, view: View, indices: np.ndarray) -> np.ndarray:
        """Retention float32 [M] of some indices, in [0, 1]."""
        usage = view.usage(indices.tolist())
        since = np.maximum(usage[:, 1], view.valid_from[indices])
        idle = np.maximum(view.now - since, 0) // _DAY
        retained: np.ndarray = np.exp(-idle / (self.days * (1.0 + usage[:, 0])))
        return retained.astype(np.float32)
