"""Meaning: cosine between the question's vector and each cube's, shared with its neighbours.

Dense retrieval by exact inner product. A turn's neighbours say what it is about, so a share of
their similarity is added. With a static embedder (a mean of word vectors) this equals embedding a
window around the turn, up to normalisation, at no cost in storage. No known paper; windows around
turns are common practice in conversational retrieval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.store.view import View
from mnemon.text.query import Query, Ranking
from mnemon.text.ranking import best
from mnemon.text.retrieve._named import named_speakers

__all__ = ["Meaning"]


@dataclass(frozen=True)
class Meaning:
    """Options: `near` share of each neighbour's cosine; `speaker` bonus (in cosine) for turns of
    someone the question names; at most `most` cubes, with a cosine of at least `least`."""

    near: float = 0.3
    speaker: float = 0.1
    least: float = 0.05
    most: int = 400

    def retrieve(self, view: View, query: Query) -> Ranking:
        """Cubes closest in meaning; nothing when there is no vector to compare with."""
        if view.vectors is None or query.vector is None or not query.vector.any():
            return best("meaning", np.zeros(0, np.int32), np.zeros(0, np.float32), self.most)
        cosine = np.append(view.vectors @ query.vector, np.float32(0.0))
        scores = cosine[:-1] + self.near * (cosine[view.before] + cosine[view.after])
        named = named_speakers(view, query)
        if named:
            scores[np.isin(view.speakers, named)] += self.speaker
        found = np.flatnonzero(view.eligible & (scores > self.least))
        return best("meaning", found, scores[found], self.most)
