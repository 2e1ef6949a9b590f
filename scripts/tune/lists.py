"""What rankers are fitted and calibrated on: the candidates of every question, and folds by
conversation. A conversation's signals come from the embedder of its own fold."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from mnemon import methods
from mnemon.bench import fivefold
from mnemon.bench.case import Case, Question
from mnemon.bench.labelled import labelled
from mnemon.bench.learning import Labelled, Scored
from mnemon.bench.recipes.mnemon import Mnemon
from mnemon.embedding import DEFAULT
from mnemon.text import signals
from mnemon.text.rerank import listnet
from mnemon.text.rerank._calibration import CONTEXT, context

ROOT = Path(__file__).parent.parent.parent
HELD_OUT = ROOT / "src" / "mnemon" / "bench" / "folds"
CUTOFFS = (1, 5, 10, 20)
WRONG, SEVERAL = "adversarial", "multi-hop"
"""Categories of questions: wrong about who did it; whose evidence is in several places."""
MISTAKEN = 2
"""How often a question that is wrong about who did it counts in calibration."""

Scores = Mapping[str, Sequence[np.ndarray]]


@dataclass(frozen=True)
class Told:
    """Case → its questions, their lists, and those of questions `moved` here from another
    conversation; the ranker's `kind` of weights."""

    kind: str
    folds: dict[str, int]
    lists: dict[str, list[Labelled]]
    moved: dict[str, list[Labelled]]
    questions: dict[str, tuple[Question, ...]]
    jobs: int = 1

    def scored(self, held_out: Scores, never: Scores) -> list[Scored]:
        """What calibrates: every list with its held-out scores. Where the question is wrong about
        who did it, or moved, nothing answers it."""
        own = [
            seen_by_ranker(one, scores, question.category != WRONG)
            for case in self.lists
            for question, one, scores in zip(
                self.questions[case], self.lists[case], held_out[case], strict=True
            )
            for _ in range(MISTAKEN if question.category == WRONG else 1)
        ]
        return own + [
            seen_by_ranker(one, scores, False)
            for case in self.moved
            for one, scores in zip(self.moved[case], never[case], strict=True)
        ]

    def report(self, held_out: Scores) -> None:
        """Print held-out recall, and of multi-hop questions those with all evidence found."""
        for name in ("conv-", "conversations/"):
            ranked = [
                (question, one.holds[np.argsort(-scores, kind="stable")])
                for case in self.lists
                if case.startswith(name)
                for question, one, scores in zip(
                    self.questions[case], self.lists[case], held_out[case], strict=True
                )
            ]
            found = [
                f"@{k} {np.mean([_recall(question, holds, k) for question, holds in ranked]):.4f}"
                for k in CUTOFFS
            ]
            several = [_recall(*one, 20) == 1.0 for one in ranked if one[0].category == SEVERAL]
            print(f"{name}: held-out recall {', '.join(found)}; {SEVERAL} all@20", end=" ")
            print(f"{np.mean(several):.4f}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What says whose lists."""
    parser.add_argument("--embedder", default=DEFAULT, help="of the slot models.embed")
    parser.add_argument("--model", default="", help="the embedder's option of that name")
    parser.add_argument("--base", default="", help="the embedder's option of that name")
    parser.add_argument("--embed-on", default="", help="the embedder's option `device`")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with its embedder")


def told(options: argparse.Namespace, *, standing: bool = False) -> Told:
    """The lists of LoCoMo and of `training/conversations`; with `standing`, also how candidates
    stand to each other."""
    folder = os.environ.get("MNEMON_DATA")
    if folder is None:
        sys.exit("set MNEMON_DATA to the folder of locomo10.json")
    recipe = Mnemon(
        embedder=options.embedder, model=options.model, base=options.base, device=options.embed_on
    )
    groups = [
        methods.load("bench.tasks", "locomo").read(Path(folder) / "locomo10.json"),
        methods.load("bench.tasks", "chats").read(ROOT / "training" / "conversations"),
    ]
    program = methods.load("text.programs", "fused")
    folds = fivefold.assign([[case.id for case in group] for group in groups])

    def of(case: Case) -> list[Labelled]:
        return labelled(case, program, recipe.of_fold(folds[case.id]), standing=standing)

    cases, moves = [case for group in groups for case in group], strangers(groups)
    every = each(of, [*cases, *moves], options.jobs)
    return Told(
        kind=listnet.kind(recipe.of_fold(0).model),
        folds=folds,
        lists={case.id: one for case, one in zip(cases, every[: len(cases)], strict=True)},
        moved={case.id: one for case, one in zip(moves, every[len(cases) :], strict=True)},
        questions={case.id: case.questions for case in cases},
        jobs=options.jobs,
    )


_TASK: list[Callable[[Any], Any]] = []
"""What a forked process does; a closure cannot be sent to it."""


def each(task: Callable[[Any], Any], of: Sequence[Any], jobs: int) -> list[Any]:
    """A `map` over so many processes, which have what the task knows."""
    if jobs == 1:
        return [task(one) for one in of]
    _TASK[:] = [task]
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        return list(pool.map(_do, of))


def _do(one: Any) -> Any:
    return _TASK[0](one)


def strangers(groups: Sequence[Sequence[Case]]) -> list[Case]:
    """Every conversation with a quarter of the next one's questions, which it cannot answer."""
    return [
        replace(case, questions=tuple(replace(one, evidence=()) for one in asked.questions[::4]))
        for group in groups
        for case, asked in zip(group, [*group[1:], group[0]], strict=True)
    ]


def seen_by_ranker(one: Labelled, scores: np.ndarray, answers: bool) -> Scored:
    """A list for calibration; nothing in it answers unless it `answers`."""
    around = context(scores, one.signals[:, [signals.NAMES.index(name) for name in CONTEXT]])
    return Scored(scores, around, one.holds & answers)


def _recall(question: Question, holds: np.ndarray, k: int) -> float:
    """The share of all its evidence among the first k; `holds` bool [C] best first."""
    return float(holds[:k].sum()) / len(question.evidence)
