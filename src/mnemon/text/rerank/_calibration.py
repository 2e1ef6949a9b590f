"""From a ranker's scores to probabilities that a cube answers what is asked.

Platt 1999, "Probabilistic Outputs for Support Vector Machines", scales scores by a logistic curve.
How ours differs: a score is compared with its competition, the logarithm of the list's summed
exponentials, since a ranker trained on lists knows little of what a score means by itself: one that
stands out is likelier right than the same score among equals. A background stands for the
candidates that a small memory does not have. And it is seen in its context: what the candidates
that the ranker believes in are like. If the question names Ana and they are all Bob's words, or if
the best of them is far from the question in meaning, the answer is likely not there at all; nor if
the question names somebody of whom no cube ever speaks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.text.signals import UNKNOWN

CONTEXT = (
    "named", "named_before", "meaning", "words", "late", "coverage_near", "first_person", "asks",
    "unheard", "stranger",
)  # fmt: skip
"""Signals whose mean over a list, weighted by the softmax of its scores, is its context."""
_RIGHT = np.array([1.0 if name.startswith("named") else UNKNOWN for name in CONTEXT])


def competition(scores: np.ndarray, background: float = -np.inf) -> float:
    """log(sum(exp(scores)) + exp(background)) of a list's scores [C], C > 0."""
    most = float(scores.max())
    own = most + float(np.log(np.exp(scores - most).sum(dtype=np.float64)))
    return float(np.logaddexp(own, background))


def context(scores: np.ndarray, told: np.ndarray) -> np.ndarray:
    """float64 [len(CONTEXT)] of a list's scores [C] and the signals of `CONTEXT` [C, …].

    Where the question names nobody, everybody is the right one.
    """
    believed = np.exp(scores - scores.max(), dtype=np.float64)
    found: np.ndarray = believed @ np.where(told == UNKNOWN, _RIGHT, told) / believed.sum()
    return found


@dataclass(frozen=True)
class Calibration:
    """Log-odds are slope * score + rivals * competition + weights @ context + offset; the defaults
    give the softmax's own odds, without a background."""

    slope: float = 1.0
    rivals: float = -1.0
    offset: float = 0.0
    background: float = -30.0
    weights: tuple[float, ...] = (0.0,) * len(CONTEXT)

    def chances(self, scores: np.ndarray, around: np.ndarray) -> np.ndarray:
        """Probabilities float32 [C] for the scores [C] of one list in its `context`, in the same
        order."""
        against = self.rivals * competition(scores, self.background) + self.offset
        against += float(np.dot(self.weights, around))
        odds = np.clip(self.slope * scores.astype(np.float64) + against, -30.0, 30.0)
        result: np.ndarray = (1.0 / (1.0 + np.exp(-odds))).astype(np.float32)
        return result
