"""Windows: how near a question is in meaning to a turn together with the turns around it.

A turn alone often lacks what it is about; the turn it answers has it. People who write in bursts
spread one thought over several lines, so one window is the run of lines by the same person.
"""

from __future__ import annotations

import numpy as np

from mnemon.store.view import View
from mnemon.text import sums
from mnemon.text.query import Query

# Weights of the turn itself, 1 to 3 turns before, 1 and 2 after.
_WEIGHTS = {
    "window": (1.0, 0.5, 0.0, 0.0, 0.3, 0.0),
    "answer": (1.0, 0.7, 0.0, 0.0, 0.0, 0.0),
    "wide": (1.0, 0.5, 0.35, 0.2, 0.3, 0.2),
    "onward": (1.0, 0.0, 0.0, 0.0, 0.7, 0.0),
}
_TABLE = np.array(list(_WEIGHTS.values()), dtype=np.float32)
_COMPARED = ("window", "answer", "wide", "burst")


def windows(
    view: View, query: Query, around: np.ndarray, known: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Cosines float32 [C] by signal, for int [C, 6]: each candidate and its neighbours (N: none).

    A window's vector is the weighted sum of its turns', longer turns counting more; `…_best` is
    the distance to the best candidate's. `known` float32 [N] are the turns' own, if anyone has
    compared them.
    """
    if view.embedded is None or query.vector is None:
        nothing = np.zeros(len(around), np.float32)
        names = ("meaning_before", "meaning_after", "onward", *_COMPARED)
        return dict.fromkeys((*names, *(f"{one}_best" for one in _COMPARED)), nothing)
    there = around < len(view.rows)
    if known is None:
        known = view.embedded.cosines(query.vector)
    near = known.take(around, mode="clip") * there
    weights = _weights(view, around, there)
    lengths = sums.of(view).lengths(view, around, weights)
    found = np.einsum("ckw,cw->ck", weights, near) / np.maximum(lengths, 1e-6)
    told = dict(zip((*_WEIGHTS, "burst"), found.T, strict=True))
    best = {f"{name}_best": told[name] - told[name].max(initial=0.0) for name in _COMPARED}
    return {**told, **best, "meaning_before": near[:, 1], "meaning_after": near[:, 4]}


def _weights(view: View, around: np.ndarray, there: np.ndarray) -> np.ndarray:
    """float32 [C, 5, 6]: what each turn weighs in each window, the burst last."""
    sizes = (view.lengths.take(around, mode="clip") + 1.0) * there
    weights = np.empty((len(around), len(_WEIGHTS) + 1, around.shape[1]), dtype=np.float32)
    np.multiply(_TABLE, sizes[:, None], out=weights[:, :-1])
    np.multiply(_same(view, around), sizes, out=weights[:, -1])
    return weights


def _same(view: View, around: np.ndarray) -> np.ndarray:
    """bool [C, 6]: the run of lines by the candidate's speaker that it stands in."""
    speakers = view.speakers.take(around, mode="clip")
    run: np.ndarray = (speakers == speakers[:, :1]) & (around < len(view.rows))
    for place, beside in ((2, 1), (3, 2), (5, 4)):
        run[:, place] &= run[:, beside]
    return run
