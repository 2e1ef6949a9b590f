"""Measuring one system over all cases. What a system raises is counted, never passed over."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from mnemon import methods
from mnemon.bench import metrics
from mnemon.bench.case import Case, Question
from mnemon.bench.recipes import Learned, Recipe, System
from mnemon.bench.record import Answer, Failure, Result

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""(system, questions done, questions in all)"""

_MEASURABLE_S = 0.001
_INTERVALS = ("recall@10", "recall@1000t")


@dataclass
class _Tally:
    """What has gathered so far."""

    answers: list[Answer] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    turns: int = 0
    ingest_s: float = 0.0
    ranked_ms: list[float] = field(default_factory=list)
    within_ms: list[float] = field(default_factory=list)


def measure(
    name: str, recipe: Recipe, cases: Sequence[Case], seed: int, progress: Progress | None
) -> Result:
    """A fresh memory for each case, every question asked of it.

    The first question of each case is asked once before, untimed, so that times are those of an
    opened memory.
    """
    tally = _Tally()
    total = sum(len(case.questions) for case in cases)
    for case in cases:
        _case(recipe, case, tally)
        if progress is not None:
            progress(name, len(tally.answers), total)
    scores = metrics.named()
    found = {score: metrics.interval(tally.answers, scores[score], seed) for score in _INTERVALS}
    return Result(
        name=name,
        recipe=methods.describe(recipe),
        scores=metrics.summary(tally.answers),
        categories=metrics.by_category(tally.answers),
        intervals={score: ends for score, ends in found.items() if ends is not None},
        speed=_speed(tally),
        failures=tuple(tally.failures),
        answers=tuple(tally.answers),
    )


def _case(recipe: Recipe, case: Case, tally: _Tally) -> None:
    system, error, seconds = attempt(lambda: honest(recipe, case).ingest(case.turns))
    if system is None:
        tally.failures.append(Failure(case.id, None, error))
        tally.answers += [_none(case, question) for question in case.questions]
        return
    tally.turns += len(case.turns)
    tally.ingest_s += seconds
    if case.questions:
        attempt(lambda: system.rank(case.questions[0].text, metrics.DEPTH))
    known = {turn.id for turn in case.turns}
    for question in case.questions:
        tally.answers.append(_answer(system, case, question, known, tally))
    _, error, _ = attempt(system.close)
    if error:
        tally.failures.append(Failure(case.id, None, f"closing: {error}"))


def honest(recipe: Recipe, case: Case) -> Recipe:
    """The recipe with nothing in it that was fitted on a case."""
    return recipe.unseen(case.id) if isinstance(recipe, Learned) else recipe


def _answer(
    system: System, case: Case, question: Question, known: Collection[str], tally: _Tally
) -> Answer:
    ask = partial(system.rank, question.text, metrics.DEPTH)
    ranked, error, seconds = attempt(partial(_checked, ask, known, metrics.DEPTH))
    if ranked is None:
        tally.failures.append(Failure(case.id, question.id, error))
        return _none(case, question)
    tally.ranked_ms.append(seconds * 1000)
    within = []
    for budget in metrics.BUDGETS:
        ask = partial(system.within, question.text, budget)
        got, error, seconds = attempt(partial(_checked, ask, known, len(known)))
        if got is None:
            tally.failures.append(Failure(case.id, question.id, error))
            return _none(case, question)
        tally.within_ms.append(seconds * 1000)
        within.append(len(set(got) & set(question.evidence)))
    places = {id: place for place, id in enumerate(ranked, start=1)}
    ranks = tuple(places.get(id) for id in question.evidence)
    return Answer(question.id, case.id, question.category, ranks, tuple(within))


def _none(case: Case, question: Question) -> Answer:
    missed = (None,) * len(question.evidence)
    nothing = (0,) * len(metrics.BUDGETS)
    return Answer(question.id, case.id, question.category, missed, nothing)


def _checked(ask: Callable[[], list[str]], known: Collection[str], k: int) -> list[str]:
    ids = ask()
    if len(ids) > k or len(set(ids)) < len(ids) or not set(ids) <= set(known):
        raise ValueError(f"{len(ids)} ids for at most {k}, or some twice, or of no turn: {ids[:5]}")
    return ids


def attempt(call: Callable[[], T]) -> tuple[T | None, str, float]:
    """(what it returns or None, what it raised or "", seconds it took)."""
    started = time.perf_counter()
    try:
        value: Any = call()
    except Exception as error:  # noqa: BLE001 - the edge: one case, reported and counted
        return None, f"{type(error).__name__}: {error}", time.perf_counter() - started
    return value, "", time.perf_counter() - started


def _speed(tally: _Tally) -> dict[str, float]:
    """Turns ingested per second; milliseconds of a ranking to `DEPTH`, and of one under 1000."""
    speed: dict[str, float] = {}
    if tally.ingest_s > _MEASURABLE_S:
        speed["ingest_turns_s"] = round(tally.turns / tally.ingest_s, 1)
    middle = tally.within_ms[1 :: len(metrics.BUDGETS)]
    for label, values in (("rank", tally.ranked_ms), ("recall_1000", middle)):
        if values:
            speed[f"{label}_p50_ms"] = round(metrics.quantile(values, 0.5), 3)
            speed[f"{label}_p95_ms"] = round(metrics.quantile(values, 0.95), 3)
    return speed
