"""Scores of ranked evidence, from answers alone. All lie in [0, 1]; higher is better.

recall@k: the share of a question's evidence turns among the first k, averaged over questions.
all@k: the share of questions with every evidence turn among the first k.
ndcg@10: binary gains, discount log2(rank + 1) (Järvelin & Kekäläinen 2002,
https://doi.org/10.1145/582415.582418). mrr: 1 / rank of the best ranked evidence turn, 0 beyond
`DEPTH`. recall@Nt: the share of evidence turns in what is returned under N tokens.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence

from mnemon.bench.record import Answer

CUTOFFS = (1, 5, 10, 20, 50)
DEPTH = max(CUTOFFS)
BUDGETS = (500, 1000, 2000)
_RESAMPLES = 2000

Score = Callable[[Answer], float]


def recall(answer: Answer, k: int) -> float:
    """Share of the evidence at places 1 to k."""
    return sum(rank is not None and rank <= k for rank in answer.ranks) / len(answer.ranks)


def ndcg(answer: Answer, k: int) -> float:
    """Discounted gain over that of the best possible order."""
    gained = sum(1 / math.log2(rank + 1) for rank in answer.ranks if rank is not None and rank <= k)
    return gained / sum(1 / math.log2(place + 2) for place in range(min(k, len(answer.ranks))))


def reciprocal(answer: Answer) -> float:
    """1 / place of the first evidence turn."""
    found = [rank for rank in answer.ranks if rank is not None]
    return 1 / min(found) if found else 0.0


def named(budgets: Sequence[int] = BUDGETS) -> dict[str, Score]:
    """Score name → its function of one answer; a system's score is the mean over questions."""
    scores: dict[str, Score] = {}
    for k in CUTOFFS:
        scores[f"recall@{k}"] = lambda answer, k=k: recall(answer, k)  # type: ignore[misc]
    for k in CUTOFFS:
        scores[f"all@{k}"] = lambda answer, k=k: float(recall(answer, k) == 1.0)  # type: ignore[misc]
    scores["ndcg@10"] = lambda answer: ndcg(answer, 10)
    scores["mrr"] = reciprocal
    for place, budget in enumerate(budgets):
        scores[f"recall@{budget}t"] = (
            lambda answer, place=place: answer.within[place] / len(answer.ranks)  # type: ignore[misc]
        )
    return scores


def summary(answers: Sequence[Answer]) -> dict[str, float]:
    """All scores, each averaged over the questions; empty for no question."""
    if not answers:
        return {}
    return {name: mean(score(one) for one in answers) for name, score in named().items()}


def by_category(answers: Iterable[Answer]) -> dict[str, dict[str, float]]:
    """Category → scores, in the categories' alphabetical order."""
    groups: dict[str, list[Answer]] = {}
    for one in answers:
        groups.setdefault(one.category, []).append(one)
    return {category: summary(groups[category]) for category in sorted(groups)}


def interval(answers: Iterable[Answer], score: Score, seed: int) -> tuple[float, float] | None:
    """The 95% bootstrap interval of the mean score; see `interval_of`."""
    return interval_of(((one.case, score(one)) for one in answers), seed)


def interval_of(values: Iterable[tuple[str, float]], seed: int) -> tuple[float, float] | None:
    """The 95% percentile bootstrap interval of the mean of (conversation, value) pairs.

    Questions of a conversation stand or fall together, so whole conversations are drawn, with
    replacement. None when there are fewer than two. Efron & Tibshirani 1993, chapter 13; plain
    percentiles. For differences of two systems on the same questions it is the paired interval.
    """
    groups: dict[str, list[float]] = {}
    for case, value in values:
        groups.setdefault(case, []).append(value)
    cases = [(sum(values), len(values)) for values in groups.values()]
    if len(cases) < 2:
        return None
    means = []
    for drawn in resamples(len(cases), seed):
        chosen = [cases[place] for place in drawn]
        means.append(sum(total for total, _ in chosen) / sum(count for _, count in chosen))
    return quantile(means, 0.025), quantile(means, 0.975)


def resamples(count: int, seed: int) -> Iterator[list[int]]:
    """The bootstrap's samples: `count` places drawn with replacement, many times."""
    draw = random.Random(seed)
    for _ in range(_RESAMPLES):
        yield draw.choices(range(count), k=count)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie, interpolated linearly (as numpy does)."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def mean(values: Iterable[float]) -> float:
    """The average, exactly rounded, so that it does not depend on the order."""
    listed = list(values)
    return math.fsum(listed) / len(listed)
