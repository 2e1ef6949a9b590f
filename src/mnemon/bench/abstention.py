"""`mnemon bench abstention`: can `min_score` tell what was never said?

Every system says how sure it is of its best hit, for questions whose answer its memory holds and
for three kinds of questions whose answer it does not hold: those of another conversation, the same
with names of people it knows, and (in LoCoMo) adversarial ones, which ask one person about what
the other one did. Where hits have probabilities, these are compared with what the hits hold. What
was fitted on the conversation that is asked is left out, as in `mnemon bench text`; a question
moved from elsewhere may be one that a ranker was fitted on, though never with this conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mnemon import methods
from mnemon.bench import inputs, provenance
from mnemon.bench.calibration import Calibration, calibration
from mnemon.bench.case import Case, Question
from mnemon.bench.measure import Progress, attempt, honest
from mnemon.bench.moved import moved
from mnemon.bench.recipes import Confident, Probable, Recipe
from mnemon.bench.record import Failure
from mnemon.bench.separation import Scores, Separation, separation
from mnemon.bench.tasks.sample import BUNDLED
from mnemon.errors import InvalidInput

ANSWERABLE = "answerable"
MOVED, RENAMED, ADVERSARIAL = "moved", "moved, with their names", "adversarial"
KINDS = {
    MOVED: "questions of another conversation",
    RENAMED: "the same, with the names of people in this one",
    ADVERSARIAL: "questions about the wrong person",
}
DEPTH = 10
"""Hits of a question whose probabilities are looked at."""

Shown = list[tuple[float, bool]]


@dataclass(frozen=True, slots=True)
class Abstainer:
    """One system.

    Attributes:
        kinds: kind of unanswerable questions → how well scores tell them; see `KINDS`.
        calibrations: which hits → how true their probabilities are; empty without probabilities.
        failures: questions that raised; they count as "nothing found", score 0.
    """

    name: str
    recipe: Mapping[str, Any]
    kinds: Mapping[str, Separation]
    calibrations: Mapping[str, Calibration]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Abstention:
    """One run; `skipped`: system → why it has no part in it."""

    task: Mapping[str, Any]
    counts: Mapping[str, int]
    systems: tuple[Abstainer, ...]
    skipped: Mapping[str, str]
    origin: provenance.Origin


@dataclass
class _Tally:
    """What has gathered so far: case → kind → scores of best hits; and hits' probabilities."""

    scores: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    hits: dict[str, list[Shown]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


def run_abstention(
    data: str | Path | None = None,
    systems: Sequence[str | Recipe] | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
    *,
    seed: int = 0,
) -> Abstention:
    """Measure systems that have scores.

    Args:
        data, systems: as for `run_text`; by default also Mnemon without its ranker.
        limit: at most so many questions of each conversation, spread evenly over it.
        progress: called after each conversation with system, conversations done, and in all.
        seed: of the bootstrap intervals; nothing else is random.

    Raises:
        InvalidInput: a named system has no scores, or there is nothing to tell apart.
    """
    path = Path(data) if data is not None else BUNDLED
    task = inputs.task_of(path)
    recipes, skipped = inputs.recipes_of(systems, ("mnemon:program=fused",))
    told = inputs.command("abstention", data, systems, limit=limit, seed=seed)
    origin = provenance.origin(path, told, seed)
    cases = inputs.limited_each(task.read(path), limit)
    questions = _questions(cases)
    found = []
    for name, recipe in recipes.items():
        tally = _asked(recipe, cases, questions, partial(progress, name) if progress else None)
        if tally is not None:
            found.append(_summed(name, recipe, tally, seed))
        elif systems is not None:
            raise InvalidInput(f"{name} has no scores: leave it out of --systems")
        else:
            skipped[name] = "its hits have no scores"
    if not any(one.kinds for one in found):
        raise InvalidInput("one conversation without adversarial questions: give two or more")
    counts = inputs.contents_of(cases)["counts"]
    return Abstention(inputs.told_of(task), counts, tuple(found), skipped, origin)


def _questions(cases: Sequence[Case]) -> dict[str, dict[str, list[Question]]]:
    """Case → kind → questions to ask of it."""
    plain = [replace(case, questions=tuple(_of(case, False))) for case in cases]
    elsewhere, renamed = moved(plain, renamed=False), moved(plain, renamed=True)
    return {
        case.id: {
            ANSWERABLE: _of(case, False),
            MOVED: elsewhere[case.id],
            RENAMED: renamed[case.id],
            ADVERSARIAL: _of(case, True),
        }
        for case in cases
    }


def _of(case: Case, adversarial: bool) -> list[Question]:
    return [one for one in case.questions if (one.category == ADVERSARIAL) == adversarial]


def _asked(
    recipe: Recipe,
    cases: Sequence[Case],
    questions: Mapping[str, Mapping[str, Sequence[Question]]],
    progress: Callable[[int, int], None] | None,
) -> _Tally | None:
    """What a system says of every question; None when it has no scores."""
    tally = _Tally()
    for done, case in enumerate(cases, start=1):
        opened = honest(recipe, case).ingest
        system, error, _ = attempt(partial(opened, case.turns))
        if system is None:
            tally.failures.append(Failure(case.id, None, error))
        elif not isinstance(system, Confident):
            system.close()
            return None
        tally.scores[case.id] = {
            kind: [_score(system, case, kind, one, tally) for one in asked]
            for kind, asked in questions[case.id].items()
        }
        if system is not None:
            system.close()
        if progress is not None:
            progress(done, len(cases))
    return tally


def _score(
    system: Confident | None, case: Case, kind: str, question: Question, tally: _Tally
) -> float:
    """How sure a system is of its best hit; 0.0 for no hit, and for what raised."""
    if system is None:
        return 0.0
    if isinstance(system, Probable):
        hits, error, _ = attempt(partial(system.hits, question.text, DEPTH))
        score = None if hits is None else max((score for _, score in hits), default=0.0)
        wanted = set(question.evidence)
        shown = [(score, not wanted.isdisjoint(ids)) for ids, score in hits or ()]
        tally.hits.setdefault(kind, []).append(shown)
    else:
        score, error, _ = attempt(partial(system.confidence, question.text))
    if score is None:
        tally.failures.append(Failure(case.id, question.id, f"{kind}: {error}"))
    return score or 0.0


def _summed(name: str, recipe: Recipe, tally: _Tally, seed: int) -> Abstainer:
    kinds = {}
    for kind in KINDS:
        scores = {
            case: Scores(tuple(told[ANSWERABLE]), tuple(told[kind]))
            for case, told in tally.scores.items()
        }
        if (found := separation(scores, seed)) is not None:
            kinds[kind] = found
    told = methods.describe(recipe)
    return Abstainer(name, told, kinds, _calibrations(tally.hits), tuple(tally.failures))


def _calibrations(hits: Mapping[str, Sequence[Shown]]) -> dict[str, Calibration]:
    """Of all hits shown, of the first ones, and of the first ones when half was never said."""
    answerable, never = hits.get(ANSWERABLE, ()), hits.get(RENAMED, ())
    first = [shown[0] for shown in answerable if shown]
    sets = {
        f"the first {DEPTH} hits": [one for shown in answerable for one in shown],
        "the first hit": first,
    }
    if never:
        both = [*first, *(shown[0] for shown in never if shown)]
        sets[f"the first hit, {RENAMED} too"] = both
    found = {name: calibration(shown) for name, shown in sets.items()}
    return {name: one for name, one in found.items() if one is not None}
