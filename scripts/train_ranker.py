"""Fits the rankers that the package ships, and those that the bench uses to stay honest.

    MNEMON_DATA=<folder of locomo10.json> python scripts/train_ranker.py
    MNEMON_DATA=… python scripts/train_ranker.py --embedder minilm --base <folder>
    MNEMON_DATA=… python scripts/train_ranker.py --embedder sentence-transformers --model <folder>

Data: LoCoMo (https://github.com/snap-research/locomo) and `training/conversations`. Five folds by
conversation, each fold's network fitted on the other folds (`src/mnemon/bench/folds/`, what
`mnemon bench text` uses on those conversations), then one network on all
(`src/mnemon/text/rerank/`, what everyone else gets). A conversation's signals come from the
embedder of its own fold (`scripts/tune_embedder.py`), which never saw its questions; the others'
do come from embedders that did. Probabilities are calibrated on the folds'
held-out scores, with questions among them that nothing answers: moved to another conversation, or
wrong about who did it (these twice: there are few). Prints
held-out recall@10. A quarter of an hour on one core; `--jobs` takes several.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from mnemon import methods
from mnemon.bench import fivefold, learning
from mnemon.bench.case import Case
from mnemon.bench.labelled import labelled
from mnemon.bench.learning import Labelled, Scored
from mnemon.bench.recipes.mnemon import Mnemon
from mnemon.text import signals
from mnemon.text.rerank import listnet
from mnemon.text.rerank._calibration import CONTEXT, Calibration, context
from mnemon.text.rerank.listnet import Network

ROOT = Path(__file__).parent.parent
HELD_OUT = ROOT / "src" / "mnemon" / "bench" / "folds"
MISTAKEN = 2
"""How often a question that is wrong about who did it counts in calibration."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--embedder", default="static", help="of the slot models.embed")
    parser.add_argument("--model", default="", help="the embedder's option of that name")
    parser.add_argument("--base", default="", help="the embedder's option of that name")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with its embedder")
    options = parser.parse_args()
    folder = os.environ.get("MNEMON_DATA")
    if folder is None:
        sys.exit("set MNEMON_DATA to the folder of locomo10.json")
    recipe = Mnemon(embedder=options.embedder, model=options.model, base=options.base)
    groups = [
        methods.load("bench.tasks", "locomo").read(Path(folder) / "locomo10.json"),
        methods.load("bench.tasks", "chats").read(ROOT / "training" / "conversations"),
    ]
    program = methods.load("text.programs", "fused")
    folds = fivefold.assign([[case.id for case in group] for group in groups])

    def signals_of(case: Case) -> list[Labelled]:
        return labelled(case, program, recipe.of_fold(folds[case.id]))

    kind = listnet.kind(recipe.of_fold(0).model)
    cases, moves = [case for group in groups for case in group], strangers(groups)
    told = each(signals_of, [*cases, *moves], options.jobs)
    lists = {case.id: one for case, one in zip(cases, told[: len(cases)], strict=True)}
    moved = {case.id: one for case, one in zip(moves, told[len(cases) :], strict=True)}
    wrong = {
        case.id: [question.category == "adversarial" for question in case.questions]
        for case in cases
    }

    def network_without(fold: int | None) -> Network:
        seen = [case for case in lists if folds[case] != fold]
        taught = [one for case in seen for one in lists[case]]
        return learning.network(learning.fit_several(taught), taught, seen)

    numbers = sorted(set(folds.values()))
    *fitted, full = each(network_without, [*numbers, None], options.jobs)
    networks = dict(zip(numbers, fitted, strict=True))
    calibration = write_folds(kind, networks, lists, folds, moved, wrong)
    write(listnet.BUNDLED[kind], replace(full, calibration=calibration))
    print(calibration)


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


def write_folds(
    kind: str,
    fitted: dict[int, Network],
    lists: dict[str, list[Labelled]],
    folds: dict[str, int],
    moved: dict[str, list[Labelled]],
    wrong: dict[str, list[bool]],
) -> Calibration:
    """Write the folds' networks; what calibrates their held-out scores. Where the question is
    `wrong` about who did it, nothing answers it."""
    told = fivefold.held_out(lists, folds, fitted)
    every = [
        seen_by_ranker(one, scores, not mistaken)
        for case in lists
        for one, scores, mistaken in zip(lists[case], told[case], wrong[case], strict=True)
        for _ in range(MISTAKEN if mistaken else 1)
    ]
    never = fivefold.held_out(moved, folds, fitted)
    every += [
        seen_by_ranker(one, scores, False)
        for case in moved
        for one, scores in zip(moved[case], never[case], strict=True)
    ]
    calibration = learning.calibrate(every)
    for fold, network in fitted.items():
        write(HELD_OUT / f"{kind}-{fold}.json", replace(network, calibration=calibration))
    for name in ("conv-", "conversations/"):
        found = [
            _recall(scores, one.holds)
            for case in lists
            if case.startswith(name)
            for one, scores in zip(lists[case], told[case], strict=True)
        ]
        there = [one for one in found if one is not None]
        print(f"{name}: held-out recall@10 of questions with a candidate {np.mean(there):.4f}")
    return calibration


def seen_by_ranker(one: Labelled, scores: np.ndarray, answers: bool) -> Scored:
    """A list for calibration; nothing in it answers unless it `answers`."""
    around = context(scores, one.signals[:, [signals.NAMES.index(name) for name in CONTEXT]])
    return Scored(scores, around, one.holds & answers)


def _recall(scores: np.ndarray, holds: np.ndarray) -> float | None:
    best = holds[np.argsort(-scores, kind="stable")[:10]]
    return float(best.sum() / holds.sum()) if holds.any() else None


def write(path: Path, network: Network) -> None:
    """A network as JSON, rounded to what matters."""
    path.parent.mkdir(exist_ok=True)
    told = {
        "signals": signals.NAMES,
        "fitted_on": sorted(network.fitted_on),
        "calibration": asdict(network.calibration),
        "mean": _rounded(network.mean),
        "scale": _rounded(network.scale),
        "layers": [[_rounded(weight), _rounded(bias)] for weight, bias in network.layers],
    }
    path.write_text(json.dumps(told, separators=(",", ":")) + "\n", encoding="utf-8")


def _rounded(values: Sequence[float] | np.ndarray) -> object:
    return np.round(np.asarray(values, dtype=float), 5).tolist()


if __name__ == "__main__":
    main()
