"""Trains the cross-encoder that reads the ranker's best again, and those the bench stays honest by.

    MNEMON_DATA=<folder of locomo10.json> python scripts/train_cross_encoder.py --model <folder>

Data: LoCoMo (https://github.com/snap-research/locomo) and `training/conversations`. Five folds by
conversation, each fold's trained on the others (`src/mnemon/bench/folds/`), then one on all, which
is what everyone gets. After `scripts/tune_embedder.py minilm` and `scripts/train_ranker.py
--embedder minilm`, whose folds it needs: a conversation's candidates come from the embedder and the
ranker of its own fold. What it makes of the ranker's scores is calibrated on the folds' held-out
ones as in `train_ranker.py`. Prints held-out recall@10, before and after. One after the other; a
draft of it that trained all six side by side took six minutes on one NVIDIA H100.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoTokenizer
from tune import cross_encoder, reading
from tune.cross_encoder import Student
from tune.lists import MISTAKEN, strangers
from tune.reading import Asked, Conversation

from mnemon import methods
from mnemon.bench import fivefold, learning
from mnemon.bench.case import Case
from mnemon.bench.learning import Scored
from mnemon.bench.recipes.mnemon import Mnemon
from mnemon.models.cross_encoder import BUNDLED
from mnemon.text.rerank import listnet
from mnemon.text.rerank._calibration import context
from mnemon.text.rerank.cross_encoder import SHARE, CrossEncoder

ROOT = Path(__file__).parent.parent
FOLDS = ROOT / "src" / "mnemon" / "bench" / "folds"
EVERYTHING = 5  # the fold that leaves nothing out
ROUNDS = 3.5


def main() -> None:
    options = arguments()
    data = os.environ.get("MNEMON_DATA")
    if data is None:
        sys.exit("set MNEMON_DATA to the folder of locomo10.json")
    groups = [
        methods.load("bench.tasks", "locomo").read(Path(data) / "locomo10.json"),
        methods.load("bench.tasks", "chats").read(options.chats),
    ]
    cases = [case for group in groups for case in group]
    folds = fivefold.assign([[case.id for case in group] for group in groups])
    recipe = Mnemon(embedder="minilm", base=options.model, device=options.device)
    told = list(conversations(cases, folds, recipe))
    moved = list(conversations(strangers(groups), folds, recipe))
    scored: list[tuple[Conversation, Asked, np.ndarray]] = []
    students: dict[int, Student] = {}
    for fold in [*sorted(set(folds.values())), EVERYTHING]:
        seen = [one for one in told if folds[one.id] != fold]
        student = cross_encoder.taught(options.model, options.device, seen, options.rounds)
        students[fold] = student
        scored += [
            (one, asked, read_again(student, one, asked))
            for one in (*told, *moved)
            if folds[one.id] == fold
            for asked in one.asked
        ]
        print(f"fold {fold} is trained", flush=True)
    report(scored)
    calibration = calibrated(scored)
    for fold, student in students.items():
        path = options.out / f"cross_encoder-{fold}.safetensors" if options.out else target(fold)
        fitted_on = sorted(id for id in folds if folds[id] != fold)
        student.write(path, {"fitted_on": fitted_on, "calibration": calibration})
        print(f"{path} is written", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=float, default=ROUNDS, help="times each question is seen")
    parser.add_argument("--chats", type=Path, default=ROOT / "training" / "conversations")
    parser.add_argument("--out", type=Path, help="another folder for what is made")
    return parser.parse_args()


def target(fold: int) -> Path:
    return BUNDLED if fold == EVERYTHING else FOLDS / f"cross_encoder-{fold}.safetensors"


def conversations(
    cases: Sequence[Case], folds: dict[str, int], recipe: Mnemon
) -> Iterator[Conversation]:
    """Each with the embedder and the ranker of its fold."""
    tokenizer = AutoTokenizer.from_pretrained(recipe.base)
    for case in cases:
        fold = folds[case.id]
        network = listnet.load(FOLDS / f"listnet_minilm-{fold}.json")
        yield reading.read(case, recipe, fold, network, tokenizer)


def read_again(student: Student, one: Conversation, asked: Asked) -> np.ndarray:
    """Mixed scores of the ranker's best, in its order."""
    best = asked.order[: CrossEncoder.depth]
    read = student.score([one.pair(asked, int(asked.turns[place])) for place in best])
    mixed: np.ndarray = (1.0 - SHARE) * asked.scores[best] + SHARE * read
    return mixed


def report(scored: Sequence[tuple[Conversation, Asked, np.ndarray]]) -> None:
    for name in ("conv-", "conversations/"):
        found = [
            (_recall(asked, asked.order), _recall(asked, _again(asked, mixed)))
            for one, asked, mixed in scored
            if one.id.startswith(name) and asked.evidence
        ]
        if found:
            before, after = np.mean(found, axis=0)
            print(f"{name}: held-out recall@10 {before:.4f} by the ranker, {after:.4f} read again")


def _again(asked: Asked, mixed: np.ndarray) -> np.ndarray:
    best = asked.order[: len(mixed)]
    return np.concatenate([best[np.argsort(-mixed, kind="stable")], asked.order[len(mixed) :]])


def _recall(asked: Asked, order: np.ndarray) -> float:
    return float(asked.holds[order[:10]].sum() / asked.evidence)


def calibrated(scored: Sequence[tuple[Conversation, Asked, np.ndarray]]) -> dict[str, Any]:
    every = []
    for _, asked, mixed in scored:
        best = asked.order[: len(mixed)]
        holds = asked.holds[best] & (not asked.wrong)
        seen = Scored(mixed, context(mixed, asked.told[best]), holds)
        every += [seen] * (MISTAKEN if asked.wrong and asked.evidence else 1)
    return asdict(learning.calibrate(every))


if __name__ == "__main__":
    main()
