"""`mnemon bench regimes`: quality on either side of the sizes at which the way of finding changes.

A namespace of up to `LIMIT` versions is ranked whole, a bigger one by what a filter leaves, and
when that is more than `FEW`, by candidates of an approximate index (`store/scope.py`). Here both
limits are moved next to the size of each conversation, so that the same questions are asked of the
same memory on both sides. A conversation is so small that the index finds all of it: `together`
puts all of them into one namespace. `recall` gives a namespace whole when all of it fits the
budget: the budget at which it just does is searched for, and compared with one token less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mnemon.bench import inputs, metrics, provenance
from mnemon.bench.case import Case, Turn
from mnemon.bench.measure import Progress, honest
from mnemon.bench.recipes.mnemon import Mnemon, Remembered
from mnemon.bench.report import Rows, markdown, origin
from mnemon.bench.tasks.sample import BUNDLED

K = 10
GIVEN = "everything"
"""What the trace of a recall says when all of a namespace was given."""

_TOGETHER = "recalls at the edge of a budget are measured without --together"
_MOST = 1 << 20  # tokens: more than any conversation here has

# How far below its size each limit is, or None for where it is: by versions.
SIDES: dict[str, tuple[int | None, int | None]] = {
    "LIMIT just above: all of it": (0, None),
    "LIMIT just below: what the filter leaves": (1, 0),
    "LIMIT and FEW just below: candidates": (1, 1),
}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an edge, over all conversations.

    Attributes:
        regimes: what traces say → how many questions.
        recall: share of evidence, over questions; for searches among the first 10, for recalls in
            what is returned. Higher is better. `interval` is its 95% bootstrap interval.
        tokens: returned, the mean over questions; None for searches.
    """

    name: str
    regimes: Mapping[str, int]
    recall: float
    interval: tuple[float, float] | None
    tokens: float | None = None


@dataclass(frozen=True, slots=True)
class Regimes:
    """One run; `notes` say what was not measured and why."""

    task: Mapping[str, Any]
    counts: Mapping[str, int]
    recipe: str
    sides: tuple[Side, ...]
    notes: tuple[str, ...]
    origin: provenance.Origin


@dataclass(frozen=True)
class _Seen:
    """Of one question: its id, the regime, share of evidence, tokens returned."""

    question: str
    regime: str
    share: float
    tokens: int | None = None


def run_regimes(
    data: str | Path | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
    *,
    program: str = "default",
    together: bool = False,
    seed: int = 0,
) -> Regimes:
    """Measure Mnemon on both sides of every edge.

    Args:
        data: as for `run_text`.
        limit: at most so many questions of each conversation, spread evenly over it.
        progress: called after each conversation with "regimes", how many are done, and in all.
        program: a method of the slot `text.programs`.
        together: one namespace for all conversations. A ranker that is bundled may then have been
            fitted on what is asked: compare sides, not with other figures.
        seed: of the bootstrap intervals.
    """
    path = Path(data) if data is not None else BUNDLED
    task = inputs.task_of(path)
    told = inputs.command("regimes", data, limit=limit, program=program, seed=seed)
    told += " --together" if together else ""
    origin = provenance.origin(path, told, seed)
    cases = inputs.limited_each(task.read(path), limit)
    recipe = Mnemon(program=program)
    homes = {question.id: case.id for case in cases for question in case.questions}
    asked = [merged(cases)] if together else cases
    seen: dict[str, list[_Seen]] = {}
    notes = []
    for done, case in enumerate(asked, start=1):
        system = honest(recipe, case).ingest(case.turns)
        assert isinstance(system, Remembered)
        recalled, note = ({}, _TOGETHER) if together else _recalls(system, case)
        for name, here in (_searches(system, case) | recalled).items():
            seen.setdefault(name, []).extend(here)
        notes += [note] if note else []
        system.close()
        if progress is not None:
            progress("regimes", done, len(asked))
    sides = tuple(_side(name, found, homes, seed) for name, found in seen.items())
    counts = inputs.contents_of(cases)["counts"]
    name = inputs.name_of(recipe)
    return Regimes(inputs.told_of(task), counts, name, sides, tuple(notes), origin)


def merged(cases: Sequence[Case]) -> Case:
    """All cases as one, with ids, sessions and keys told apart by the case they are from."""
    turns, questions = [], []
    for case in cases:
        for turn in case.turns:
            draft, id = turn.draft, f"{case.id} {turn.id}"
            session = draft.session and f"{case.id} {draft.session}"
            turns.append(Turn(id, replace(draft, session=session, key=id)))
        for one in case.questions:
            evidence = tuple(f"{case.id} {id}" for id in one.evidence)
            questions.append(replace(one, evidence=evidence))
    return Case("all together", tuple(turns), tuple(questions))


@contextmanager
def limits(limit: int | None, few: int | None) -> Iterator[None]:
    """Scopes are ranked whole up to `limit` versions and exactly up to `few`; None leaves one."""
    from mnemon.store import scope

    before = scope.LIMIT, scope.FEW
    scope.LIMIT = before[0] if limit is None else limit
    scope.FEW = before[1] if few is None else few
    try:
        yield
    finally:
        scope.LIMIT, scope.FEW = before


def _searches(system: Remembered, case: Case) -> dict[str, list[_Seen]]:
    size = system.memory.count()
    found: dict[str, list[_Seen]] = {}
    for name, (limit, few) in SIDES.items():
        with limits(_lower(size, limit), _lower(size, few)):
            system.memory.search(case.questions[0].text, K)
            system.memory._searcher.settle()
            for question in case.questions:
                ranked = system.rank(question.text, K)
                regime = system.memory.recall(question.text, budget=1).trace["regime"]
                share = _share(ranked, question.evidence)
                found.setdefault(name, []).append(_Seen(question.id, regime, share))
    return found


def _lower(size: int, by: int | None) -> int | None:
    return None if by is None else size - by


def _recalls(system: Remembered, case: Case) -> tuple[dict[str, list[_Seen]], str]:
    budget = just_fits(system, case.questions[0].text)
    if budget is None:
        return {}, f"{case.id}: no recall gave everything, up to a budget of {_MOST:,} tokens"
    found: dict[str, list[_Seen]] = {}
    for name, most in (("budget just fits", budget), ("one token less", budget - 1)):
        for question in case.questions:
            told = system.memory.recall(question.text, budget=most)
            share = _share(system.within(question.text, most), question.evidence)
            seen = _Seen(question.id, str(told.trace["regime"]), share, told.tokens)
            found.setdefault(f"recall, {name}", []).append(seen)
    return found, ""


def just_fits(system: Remembered, question: str) -> int | None:
    """The smallest budget in tokens with which a recall gives everything; None if none does."""

    def fits(budget: int) -> bool:
        return bool(system.memory.recall(question, budget=budget).trace["regime"] == GIVEN)

    low, high = 0, 1
    while not fits(high):
        low, high = high, high * 2
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _share(ids: Sequence[str], evidence: Sequence[str]) -> float:
    return len(set(ids) & set(evidence)) / len(evidence)


def _side(name: str, seen: Sequence[_Seen], homes: Mapping[str, str], seed: int) -> Side:
    pairs = [(homes[one.question], one.share) for one in seen]
    tokens = [one.tokens for one in seen if one.tokens is not None]
    return Side(
        name=name,
        regimes=dict(Counter(one.regime for one in seen).most_common()),
        recall=metrics.mean(share for _, share in pairs),
        interval=metrics.interval_of(pairs, seed),
        tokens=metrics.mean(tokens) if tokens else None,
    )


def render(found: Regimes) -> str:
    """The report in Markdown."""
    counts = found.counts
    parts = [
        f"# Regimes at their edges: {found.task['title']}",
        f"{found.recipe}, {counts['questions']} questions on {counts['conversations']} "
        "conversations. The limits of `store/scope.py` moved next to the size of each "
        "conversation: searches find the share of evidence among the first 10, recalls in what "
        "they return. `regime` is what traces say, with the number of questions.",
        markdown(rows(found)),
        *(["\n".join(f"- {note}" for note in found.notes)] if found.notes else []),
        "## How it was made",
        markdown(origin(found.origin)),
    ]
    return "\n\n".join(parts) + "\n"


def rows(found: Regimes) -> Rows:
    """The header, then a row for each side."""
    told = []
    for one in found.sides:
        regimes = ", ".join(f"{name} {count}" for name, count in one.regimes.items())
        ends = "" if one.interval is None else f"{one.interval[0]:.3f} to {one.interval[1]:.3f}"
        tokens = "" if one.tokens is None else f"{one.tokens:,.0f}"
        told.append([one.name, f"{one.recall:.3f}", ends, tokens, regimes])
    return [["side", "recall", "95% interval", "tokens", "regime"], *told]
