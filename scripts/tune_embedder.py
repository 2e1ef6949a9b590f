"""Tunes the bundled embedders and two of sentence-transformers': questions towards their answers.

    MNEMON_DATA=<folder of locomo10.json> python scripts/tune_embedder.py static
    MNEMON_DATA=… python scripts/tune_embedder.py mpnet --rank 4 --model <folder> --device cuda
    MNEMON_DATA=… python scripts/tune_embedder.py context --steps 1500 --device cuda
        --teacher <folder of all-mpnet-base-v2> --texts texts.txt.xz
    MNEMON_DATA=… python scripts/tune_embedder.py minilm --steps 500 --model <folder> --device cuda
        --teacher <folder of all-mpnet-base-v2> --texts texts.txt.xz

Data: LoCoMo and `training/conversations`. Five folds by conversation, each tuned on the others
(`src/mnemon/bench/folds/`, what `mnemon bench text` uses on those conversations), then one on all,
which is what everyone gets. `context` and `minilm` learn from the labels and from a teacher: the
tuned `mpnet` of the same fold, which saw no more of them, asked about the conversations and about
lines of talk that `distil_texts.py context` gathers. Prints recall@10 by cosine alone, before and
after, five-fold, and of the last one on `training/held-out`; `--untuned` only measures a model as
it is. `static` takes minutes on a CPU, the others up to half an hour on a GPU; in several
processes, each with some of the `--fold`s, that much less. Needs torch; all but `static` also
transformers. After it, fit the ranker again: `scripts/train_ranker.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tune import conversations, learning
from tune.conversations import Conversation

from mnemon import methods

ROOT = Path(__file__).parent.parent
FOLDS = ROOT / "src" / "mnemon" / "bench" / "folds"
MODELS = ROOT / "src" / "mnemon" / "models" / "recall"
EVERYTHING = 5  # the fold that leaves nothing out
STEPS = 300
BUNDLED = ("static", "context")


def main() -> None:
    options = arguments()
    data = os.environ.get("MNEMON_DATA")
    if data is None:
        sys.exit("set MNEMON_DATA to the folder of locomo10.json")
    taught = conversations.read(
        Path(data) / "locomo10.json", ROOT / "training" / "conversations", options.device
    )
    fresh, name = student(options)
    apart = conversations.held_out(ROOT / "training" / "held-out", options.device)
    every = [*taught, *apart]
    if options.untuned:
        report("untuned", every, dict.fromkeys((one.id for one in every), fresh()))
        return
    folds = conversations.folds(taught)
    wanted = options.fold or [*sorted(set(folds.values())), EVERYTHING]
    lines = talk(options)
    held_out: dict[str, Any] = {}
    for fold in wanted:
        seen = [one for one in taught if folds[one.id] != fold]
        tuned, loss = learning.taught(
            fresh, seen, options.steps, lesson(options, fold, seen, lines)
        )
        path = file(name, fold)
        tuned.write(path)
        print(f"{path} is written; mean loss at the end {loss:.3f}", flush=True)
        held_out |= dict.fromkeys((id for id in folds if folds[id] == fold), tuned)
        if fold == EVERYTHING:
            held_out |= dict.fromkeys((one.id for one in apart), tuned)
    measured = [one for one in every if one.id in held_out]
    report("untuned", measured, dict.fromkeys(held_out, fresh()))
    report("tuned, five-fold", measured, held_out)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("embedder", help="static, context, or an encoder as minilm is one")
    parser.add_argument("--model", help="folder of the encoder")
    parser.add_argument("--rank", type=int, default=16, help="of its adapter, that is kept")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--teacher", help="folder of all-mpnet-base-v2, whose adapters we have")
    parser.add_argument("--texts", type=Path, help="for the teacher, made by distil_texts.py")
    parser.add_argument("--untuned", action="store_true", help="tune nothing, only measure")
    parser.add_argument(
        "--fold", type=int, action="append", choices=range(EVERYTHING + 1),
        help=f"only this one, may be repeated; {EVERYTHING} is the one on everything",
    )  # fmt: skip
    options = parser.parse_args()
    if options.embedder not in BUNDLED and options.model is None:
        parser.error(f"{options.embedder} needs --model, a folder of that model")
    if (options.teacher is None) != (options.texts is None):
        parser.error("--teacher and --texts go together")
    if options.embedder == "static" and (options.device != "cpu" or options.teacher is not None):
        parser.error("static is tuned on the CPU, by labels alone")
    return options


def student(options: argparse.Namespace) -> tuple[Callable[[], Any], str]:
    """What makes an untuned student, and its files' name."""
    if options.embedder == "static":
        from tune.static import StaticStudent

        return StaticStudent, "static{}.npz"
    if options.embedder == "context":
        from tune.context import ContextStudent

        return lambda: ContextStudent(options.device), "context{}.npz"
    from tune.encoder import EncoderStudent

    base = methods.find("models.embed", options.embedder).base
    return (
        lambda: EncoderStudent(base, options.model, options.device, options.rank),
        options.embedder + "{}.safetensors",
    )


def file(name: str, fold: int) -> Path:
    """Of what is tuned, by its name with a place for the fold."""
    return MODELS / name.format("") if fold == EVERYTHING else FOLDS / name.format(f"-{fold}")


def talk(options: argparse.Namespace) -> list[Conversation]:
    """Lines for a teacher to judge; none without one."""
    if options.teacher is None:
        return []
    from tune import teacher

    return teacher.talk(options.texts, options.device)


def lesson(
    options: argparse.Namespace, fold: int, seen: Sequence[Conversation],
    lines: Sequence[Conversation],
) -> learning.Lesson | None:  # fmt: skip
    """What the teacher of a fold knows of what is seen in it, and of lines; None without one."""
    if options.teacher is None:
        return None
    from tune.teacher import Teacher

    adapter = file("mpnet{}.safetensors", fold)
    teacher = Teacher(options.teacher, adapter, options.device)
    return learning.Lesson(teacher.know([*seen, *lines]), lines)


def report(name: str, taught: Sequence[Conversation], students: dict[str, Any]) -> None:
    for group in dict.fromkeys(one.group for one in taught):
        found = [
            share
            for one in taught
            if one.group == group
            for share in learning.recall(students[one.id], one)
        ]
        print(f"{name}: {group} recall@10 by cosine {sum(found) / len(found):.4f}", flush=True)


if __name__ == "__main__":
    main()
