"""Windows: how near a question is in meaning to a turn together with the turns around it.

A turn alone often lacks what it is about; the turn it answers has it. People who write in bursts
spread one thought over several lines, so one window is the run of lines by the same person.
"""

from __future__ import annotations

import numpy as np

from mnemon.store.view import View
from mnemon.text.query import Query

# Weights of the turn itself, 1 to 3 turns before, 1 and 2 after.
_WEIGHTS = {
    "window": (1.0, 0.5, 0.0, 0.0, 0.3, 0.0),
    "answer": (1.0, 0.7, 0.0, 0.0, 0.0, 0.0),
    "wide": (1.0, 0.5, 0.35, 0.2, 0.3, 0.2),
    "onward": (1.0, 0.0, 0.0, 0.0, 0.7, 0.0),
}
_COMPARED = ("window", "answer", "wide", "burst")


def windows(view: View, query: Query, around: np.ndarray) -> dict[str, np.ndarray]:
    """Cosines float32 [C] by signal, for int [C, 6]: each candidate and its neighbours (N: none).

    A window's vector is the weighted sum of its turns', longer turns counting more; `…_best` is
    the distance to the best candidate's.
    """
    if view.vectors is None or query.vector is None:
        nothing = np.zeros(len(around), np.float32)
        names = ("meaning_before", "meaning_after", "onward", *_COMPARED)
        return dict.fromkeys((*names, *(f"{one}_best" for one in _COMPARED)), nothing)
    there = around < len(view.rows)
    vectors = view.vectors[np.where(there, around, 0)]
    near = (vectors @ query.vector) * there
    products = np.matmul(vectors, vectors.transpose(0, 2, 1))
    sizes = (np.append(view.lengths, 0.0)[around] + 1.0) * there
    told = {
        name: _cosines(near, products, sizes * np.asarray(weights))
        for name, weights in _WEIGHTS.items()
    }
    told["burst"] = _cosines(near, products, sizes * _same(view, around))
    best = {f"{name}_best": told[name] - told[name].max(initial=0.0) for name in _COMPARED}
    return {**told, **best, "meaning_before": near[:, 1], "meaning_after": near[:, 4]}


def _cosines(near: np.ndarray, products: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of weighted sums of turns, from the turns' products with the question and each other."""
    lengths = np.sqrt(np.maximum(np.einsum("ca,cab,cb->c", weights, products, weights), 0.0))
    found: np.ndarray = (near * weights).sum(axis=1) / np.maximum(lengths, 1e-6)
    return found.astype(np.float32)


def _same(view: View, around: np.ndarray) -> np.ndarray:
    """bool [C, 6]: the run of lines by the candidate's speaker that it stands in."""
    speakers = np.append(view.speakers, -2)[around]
    same = speakers == speakers[:, :1]
    run: np.ndarray = same.copy()
    for place, beside in ((2, 1), (3, 2), (5, 4)):
        run[:, place] &= run[:, beside]
    return run
