"""Meaning: cosine between the question's vector and each cube's, by exact inner product.

Dense retrieval as in Karpukhin et al. 2020, https://arxiv.org/abs/2004.04906, with whatever
embedder the store has and no index: every vector of the scope is compared. How ours differs: a turn
that asks is worth less than one that tells; the package's embedders were taught English, so that
for a question in other letters than Latin ones they count less beside its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mnemon.store.view import View
from mnemon.text.alphabet import latin
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best, nothing

__all__ = ["Meaning"]

_ENGLISH = "mnemon-"  # so begin the names of spaces of embedders that were taught English


@dataclass(frozen=True)
class Meaning:
    """Options: `asking`, a factor on turns that ask a question; `least` cosine worth returning; at
    most `most` cubes; `untaught`, a factor on the channel's weight for a question in letters that
    the embedder was not taught."""

    asking: float = 0.8
    least: float = 0.05
    most: int = 400
    untaught: float = 0.125

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Cubes closest in meaning; nothing when there is no vector to compare with."""
        if view.embedded is None or query.vector is None or not query.vector.any():
            return nothing("meaning")
        alike = view.embedded.cosines(query.vector)
        scores = alike.copy()
        scores[view.asks] *= np.float32(self.asking)
        found = (view.eligible & (scores > self.least)).nonzero()[0]

        def why(indices: Sequence[int]) -> list[str]:
            return [f"similarity {scores[index]:.2f}" for index in indices]

        ranking = best("meaning", found, scores.take(found), self.most, why=why)
        known = latin(query.text) or not (view.space or "").startswith(_ENGLISH)
        return replace(ranking, cosines=alike, trust=1.0 if known else self.untaught)
