"""`mnemon bench ablation`: what each part of the default program is worth, one off at a time.

A part that makes candidates is off in the program itself: candidates, signals and fusion are those
of the changed program. A group of signals is left out of what the ranker sees. In either case the
ranker is fitted again on what is left, five-fold by conversation, so that no row suffers from
weights that expect what is not there; rows are compared with the whole, fitted in the same way on
the same data. So figures differ a little from `mnemon bench text`, whose rankers saw more data.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon import methods
from mnemon.bench import fivefold, inputs, metrics, provenance
from mnemon.bench.case import Case
from mnemon.bench.labelled import labelled, recalls
from mnemon.bench.learning import Labelled
from mnemon.bench.measure import Progress
from mnemon.bench.parts import GROUPS, PARTS
from mnemon.bench.recipes.mnemon import Mnemon, changed
from mnemon.bench.tasks.sample import BUNDLED
from mnemon.embedding import DEFAULT
from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np

WHOLE, UNRANKED = "everything", "without the ranker"
K = 10
SEEDS = (0, 1, 2)
"""Of the networks whose mean the shipped ranker is."""

Told = list[tuple[str, float]]
"""(case, recall) of every question."""


@dataclass(frozen=True, slots=True)
class Row:
    """One system.

    Attributes:
        recall: recall@10 over all questions, by the ranker fitted without this part.
        fused: recall@10 of the candidates as fused, before any ranker; None where it is not
            touched.
        difference: of `recall` to everything's; negative: the part helps. `interval` is its 95%
            paired bootstrap interval over conversations.
    """

    name: str
    change: str
    recall: float
    fused: float | None
    difference: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Ablation:
    """One run; the first row is everything. `networks`: how many the ranker is the mean of;
    `also`: the conversations fitted on in every fold beside those of the other folds."""

    task: Mapping[str, Any]
    counts: Mapping[str, int]
    embedder: str
    networks: int
    also: tuple[str, ...]
    rows: tuple[Row, ...]
    origin: provenance.Origin


@dataclass(frozen=True)
class _Runner:
    """What all rows share."""

    cases: Sequence[Case]
    also: Sequence[Case]
    folds: Mapping[str, int]
    seeds: Sequence[int]
    embedder: str

    def lists(self, change: str) -> dict[str, list[Labelled]]:
        """Case → candidates by the default program with a change."""
        program = changed(methods.load("text.programs", "default"), change)
        system = Mnemon(embedder=self.embedder)
        return {
            case.id: labelled(case, program, system.unseen(case.id).embedding())
            for case in (*self.cases, *self.also)
        }

    def part(self, change: str) -> tuple[Told, float]:
        """The questions' recalls under a change, and their mean in the order of fusion."""
        lists = self.lists(change)
        return self.ranked(lists), _mean(self.told(lists))

    def ranked(self, lists: Mapping[str, Sequence[Labelled]]) -> Told:
        """(case, recall) of every question, by rankers that never saw its conversation."""
        fitted = fivefold.fit(lists, self.folds, self.seeds)
        return self.told(lists, fivefold.held_out(lists, self.folds, fitted))

    def told(
        self,
        lists: Mapping[str, Sequence[Labelled]],
        scores: Mapping[str, Sequence[np.ndarray]] | None = None,
    ) -> Told:
        """(case, recall) of every question; without scores in the lists' own order."""
        return [
            (case.id, share)
            for case in self.cases
            for share in recalls(
                case, lists[case.id], None if scores is None else scores[case.id], K
            )
        ]


def run_ablation(
    data: str | Path | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
    *,
    also: str | Path | None = None,
    embedder: str = DEFAULT,
    networks: int = len(SEEDS),
    seed: int = 0,
    jobs: int = 1,
) -> Ablation:
    """Measure the default program without each of its parts.

    Args:
        data: as for `run_text`, two conversations at least.
        limit: at most so many questions of each conversation, spread evenly over it.
        progress: called after each row with its name, rows done, and rows in all.
        also: data to fit on in every fold, never measured.
        embedder: a method of the slot `models.embed`.
        networks: the ranker is the mean of so many; fewer are faster and less steady.
        seed: of the bootstrap intervals.
        jobs: rows measured at once, each in a process of its own where there are several.

    Raises:
        InvalidInput: there are fewer than two conversations, or one is both fitted on and measured.
    """
    path = Path(data) if data is not None else BUNDLED
    task = inputs.task_of(path)
    told = inputs.command(
        "ablation", data, limit=limit, also=also and Path(also).name, embedder=embedder,
        networks=networks, seed=seed,
    )  # fmt: skip
    origin = provenance.origin(path, told, seed)
    cases = inputs.limited_each(task.read(path), limit)
    if len(cases) < 2:
        raise InvalidInput("a ranker is fitted on other conversations: give data with two or more")
    more = _more(also, {case.id for case in cases})
    folds = fivefold.assign([[case.id for case in cases]])
    runner = _Runner(cases, more, folds, range(networks), embedder)
    with _workers(jobs) as workers:
        rows = _rows(runner, progress, seed, workers)
    counts = inputs.contents_of(cases)["counts"]
    fitted = tuple(case.id for case in more)
    return Ablation(inputs.told_of(task), counts, embedder, networks, fitted, tuple(rows), origin)


def _workers(jobs: int) -> AbstractContextManager[Executor | None]:
    if jobs == 1:
        return nullcontext()
    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"))


def _more(also: str | Path | None, measured: set[str]) -> list[Case]:
    if also is None:
        return []
    cases = inputs.limited(inputs.task_of(Path(also)).read(Path(also)), None)
    if both := measured.intersection(case.id for case in cases):
        raise InvalidInput(f"{min(both)} is measured: leave it out of what is fitted on as well")
    return cases


def _rows(
    runner: _Runner, progress: Progress | None, seed: int, workers: Executor | None
) -> list[Row]:
    names = [WHOLE, UNRANKED, *PARTS, *(f"without signals: {group}" for group in GROUPS)]
    rows: list[Row] = []

    def add(change: str, found: Told, fused: float | None) -> None:
        rows.append(_row(names[len(rows)], change, found, whole, fused, seed))
        if progress is not None:
            progress(rows[-1].name, len(rows), len(names))

    run = map if workers is None else workers.map
    parts = run(runner.part, PARTS.values())
    lists = runner.lists("")
    groups = run(runner.ranked, (_without(lists, group) for group in GROUPS.values()))
    whole, plain = runner.ranked(lists), runner.told(lists)
    add("", whole, _mean(plain))
    add("rerank=None", plain, _mean(plain))
    for change, (found, before) in zip(PARTS.values(), parts, strict=True):
        add(change, found, before)
    for group, found in zip(GROUPS.values(), groups, strict=True):
        add(f"no {', '.join(group)}", found, None)
    return rows


def _row(
    name: str,
    change: str,
    found: Sequence[tuple[str, float]],
    whole: Sequence[tuple[str, float]],
    fused: float | None,
    seed: int,
) -> Row:
    apart = [(case, a - b) for (case, a), (_, b) in zip(found, whole, strict=True)]
    interval = None if name == WHOLE else metrics.interval_of(apart, seed)
    return Row(name, change, _mean(found), fused, _mean(apart), interval)


def _mean(found: Sequence[tuple[str, float]]) -> float:
    return metrics.mean(value for _, value in found)


def _without(
    lists: Mapping[str, Sequence[Labelled]], group: Sequence[str]
) -> dict[str, list[Labelled]]:
    """The same candidates with fewer signals."""
    from mnemon.text.signals import NAMES

    kept = [place for place, name in enumerate(NAMES) if name not in group]
    return {
        case: [replace(one, signals=one.signals[:, kept]) for one in told]
        for case, told in lists.items()
    }
