"""Separation: how well a score tells questions that can be answered from those that cannot.

AUROC: the chance that an answerable question scores higher than an unanswerable one, ties counted
half (Hanley & McNeil 1982, https://doi.org/10.1148/radiology.143.1.7063747); 0.5 is guessing.
Everything that needs a threshold takes it from other conversations than those it is measured on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnemon.bench import fivefold, metrics

if TYPE_CHECKING:
    import numpy as np

KEPT = 0.9
"""The share of answerable questions that a threshold is to keep."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one conversation: scores of the questions that it answers, and of those it does not."""

    answerable: tuple[float, ...]
    never: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Separation:
    """One system on one kind of unanswerable questions. Higher is better, but for `false_alarms`.

    Attributes:
        auroc: and its 95% bootstrap `interval` over conversations (None for one conversation).
        accuracy: share of questions judged right by the threshold that is best elsewhere.
        guess: what judging all questions alike would give.
        balanced: the same for the mean of both kinds' shares, with its own threshold: 0.5 is a
            guess whatever the mix.
        false_alarms: share of unanswerable questions that pass the threshold which elsewhere keeps
            90% of the answerable ones; `kept` is the share of those that it keeps here.
        folds: how many; with none (one conversation) what needs a threshold is None.
    """

    answerable: int
    never: int
    auroc: float
    interval: tuple[float, float] | None
    guess: float
    accuracy: float | None
    balanced: float | None
    false_alarms: float | None
    kept: float | None
    folds: int


def separation(cases: Mapping[str, Scores], seed: int) -> Separation | None:
    """Of the scores of every conversation; None when either kind is missing altogether."""
    answerable = [score for one in cases.values() for score in one.answerable]
    never = [score for one in cases.values() for score in one.never]
    if not answerable or not never:
        return None
    area, interval = _area(list(cases.values()), seed)
    folds = fivefold.assign([list(cases)])
    measured: dict[str, float] = {}
    if len(cases) > 1:
        measured = _held_out(cases, folds)
    return Separation(
        answerable=len(answerable),
        never=len(never),
        auroc=area,
        interval=interval,
        guess=max(len(answerable), len(never)) / (len(answerable) + len(never)),
        accuracy=measured.get("accuracy"),
        balanced=measured.get("balanced"),
        false_alarms=measured.get("false_alarms"),
        kept=measured.get("kept"),
        folds=len(set(folds.values())) if measured else 0,
    )


def auroc(answerable: Sequence[float], never: Sequence[float]) -> float:
    """The area under the curve for two non-empty lists of scores."""
    return float(_wins(answerable, never)) / (len(answerable) * len(never))


def _wins(answerable: Sequence[float], never: Sequence[float]) -> float:
    """Pairs in which the answerable question scores higher, ties counted half."""
    import numpy as np

    ordered = np.sort(np.asarray(never, dtype=np.float64))
    asked = np.asarray(answerable, dtype=np.float64)
    below = np.searchsorted(ordered, asked, side="left")
    upto = np.searchsorted(ordered, asked, side="right")
    return float(below.sum() + upto.sum()) / 2


def _area(cases: Sequence[Scores], seed: int) -> tuple[float, tuple[float, float] | None]:
    """AUROC over all pairs of questions, also of different conversations: one threshold serves all.

    A bootstrap sample weighs each pair by how often its two conversations were drawn.
    """
    import numpy as np

    wins = np.array([[_wins(a.answerable, b.never) for b in cases] for a in cases])
    asked = np.array([len(one.answerable) for one in cases])
    never = np.array([len(one.never) for one in cases])
    area = float(wins.sum() / (asked.sum() * never.sum()))
    if len(cases) < 2:
        return area, None
    areas = []
    for drawn in metrics.resamples(len(cases), seed):
        times = np.bincount(drawn, minlength=len(cases))
        pairs = (times @ asked) * (times @ never)
        if pairs:
            areas.append(float(times @ wins @ times / pairs))
    return area, (metrics.quantile(areas, 0.025), metrics.quantile(areas, 0.975))


def _held_out(cases: Mapping[str, Scores], folds: Mapping[str, int]) -> dict[str, float]:
    right, total, passed, kept = 0, 0, 0, 0
    told: list[tuple[int, int]] = []  # answerable kept, never refused, by the balanced threshold
    for fold in sorted(set(folds.values())):
        here = [cases[case] for case, its in folds.items() if its == fold]
        there = [cases[case] for case, its in folds.items() if its != fold]
        asked, never = _pooled(here)
        seen = _pooled(there)
        if not len(seen[0]) or not len(seen[1]):
            return {}  # nothing to fit a threshold on
        best = best_threshold(*seen, lambda kept, refused, a, n: kept + refused)
        right += int((asked >= best).sum() + (never < best).sum())
        total += len(asked) + len(never)
        even = best_threshold(*seen, lambda kept, refused, a, n: kept / a + refused / n)
        told.append((int((asked >= even).sum()), int((never < even).sum())))
        low = metrics.quantile(seen[0].tolist(), 1.0 - KEPT)
        kept += int((asked >= low).sum())
        passed += int((never >= low).sum())
    asked, never = _pooled(list(cases.values()))
    share = sum(k for k, _ in told) / len(asked) + sum(r for _, r in told) / len(never)
    return {
        "accuracy": right / total,
        "balanced": share / 2,
        "false_alarms": passed / len(never),
        "kept": kept / len(asked),
    }


def _pooled(cases: Sequence[Scores]) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    asked = [score for one in cases for score in one.answerable]
    never = [score for one in cases for score in one.never]
    return np.asarray(asked, dtype=np.float64), np.asarray(never, dtype=np.float64)


Gain = Callable[["np.ndarray", "np.ndarray", int, int], "np.ndarray"]
"""(answerable kept, never refused, of how many, of how many) → what is to be large."""


def best_threshold(answerable: np.ndarray, never: np.ndarray, gain: Gain) -> float:
    """The score from which on to answer: the lowest that gains most. Halfway between two scores."""
    import numpy as np

    scores = np.unique(np.concatenate([answerable, never]))
    between = (scores[1:] + scores[:-1]) / 2
    candidates = np.concatenate([scores[:1], between, scores[-1:] + 1.0])
    kept = len(answerable) - np.searchsorted(np.sort(answerable), candidates, side="left")
    refused = np.searchsorted(np.sort(never), candidates, side="left")
    gained = gain(kept, refused, len(answerable), len(never))
    return float(candidates[int(np.argmax(gained))])
