"""The stability gap: how deep what was learnt falls while something new is learnt.

De Lange et al. 2023, "Continual evaluation for lifelong learning: identifying the stability gap",
https://arxiv.org/abs/2205.13452: min-ACC is the mean, over earlier tasks, of the lowest accuracy at
any update since the task was learnt; WC-ACC is the last task's accuracy and min-ACC, weighed by how
many tasks there are. HOW OURS DIFFERS: no known difference; a task is a batch of facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Stability(NamedTuple):
    """Shares. `acc`: the mean of all batches at the end. `gaps`: of each later batch, the
    accuracy on all earlier ones before it, at its lowest, and after it."""

    acc: float
    min_acc: float
    wc_acc: float
    gaps: tuple[tuple[float, float, float], ...]


def stability(curve: Sequence[Sequence[float]], ends: Sequence[int]) -> Stability:
    """Of accuracies.

    Args:
        curve: of each update, the accuracy on each batch. ends: the place in it of each batch's
            last update; two batches at least, each with an update of its own.
    """
    at, last = np.asarray(curve, dtype=float), len(ends) - 1
    lowest = [at[end + 1 : ends[last] + 1, one].min() for one, end in enumerate(ends[:last])]
    min_acc, count = float(np.mean(lowest)), len(ends)
    gaps = []
    for one in range(1, count):
        earlier = at[ends[one - 1] : ends[one] + 1, :one].mean(1)
        gaps.append((float(earlier[0]), float(earlier[1:].min()), float(earlier[-1])))
    final = at[ends[last]]
    return Stability(
        float(final.mean()), min_acc, float(final[last] / count + (1 - 1 / count) * min_acc),
        tuple(gaps),
    )  # fmt: skip
