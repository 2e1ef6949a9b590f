"""What the channel `meaning` should weigh beside `words` in the fused order, without the ranker.

    MNEMON_DATA=<folder of locomo10.json> python scripts/weigh_meaning.py
    MNEMON_DATA=… python scripts/weigh_meaning.py --embedder static

Prints recall@10, @50 and @150 (what the ranker is given) for each weight: LoCoMo and
`training/conversations` by the embedder of their own fold, `training/held-out` by the one that
everyone gets. Some minutes on one core.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from mnemon import methods
from mnemon.bench import fivefold
from mnemon.bench.case import Case
from mnemon.bench.recipes.mnemon import Mnemon
from mnemon.memory import Memory
from mnemon.store.rows import Filter
from mnemon.text import program as programs
from mnemon.text.programs.fused import Fused

TRAINING = Path(__file__).parent.parent / "training"
WEIGHTS = (0.4, 0.5, 0.65, 0.8, 1.0, 1.3)
DEPTHS = (10, 50, 150)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--embedder", choices=("context", "static"), default="context")
    embedder = parser.parse_args().embedder
    data = os.environ.get("MNEMON_DATA")
    if data is None:
        sys.exit("set MNEMON_DATA to the folder of locomo10.json")
    recipe = Mnemon(embedder=embedder)
    locomo = list(methods.load("bench.tasks", "locomo").read(Path(data) / "locomo10.json"))
    chats, apart = (
        list(methods.load("bench.tasks", "chats").read(TRAINING / name))
        for name in ("conversations", "held-out")
    )
    folds = fivefold.assign([[case.id for case in group] for group in (locomo, chats)])
    for name, cases in (("locomo", locomo), ("chats", chats), ("held-out", apart)):
        report(name, [one for case in cases for one in found(case, recipe, folds.get(case.id))])


def found(case: Case, recipe: Mnemon, fold: int | None) -> Iterator[list[float]]:
    """Of each question, for each weight and each depth, the share of its evidence."""
    embedder = recipe.embedder if fold is None else recipe.of_fold(fold)
    ids = [turn.id for turn in case.turns]
    with Memory(":memory:", program="fused", embedder=embedder) as memory:
        memory.add([turn.draft for turn in case.turns])
        for question in case.questions:
            if question.evidence:
                view, query = memory._searcher.look(question.text, Filter(memory.namespace))
                shares = []
                for weight in WEIGHTS:
                    fused = programs.candidates(weighed(weight), view, query)[1].indices
                    best = [ids[turn] for turn in fused[: max(DEPTHS)]]
                    shares += [_share(best[:depth], question.evidence) for depth in DEPTHS]
                yield shares


def weighed(weight: float) -> Fused:
    """The program `fused` in which meaning weighs so much."""
    channels = (
        (name, weight if name == "meaning" else usual, options)
        for name, usual, options in Fused().channels
    )
    return Fused(channels=tuple(channels))


def report(name: str, shares: list[list[float]]) -> None:
    means = iter([fmean(column) for column in zip(*shares, strict=True)])
    for weight in WEIGHTS:
        told = ", ".join(f"@{depth} {next(means):.4f}" for depth in DEPTHS)
        print(f"{name}, meaning {weight}: recall {told}", flush=True)


def _share(best: list[str], evidence: tuple[str, ...]) -> float:
    return len(set(best) & set(evidence)) / len(evidence)


if __name__ == "__main__":
    main()
