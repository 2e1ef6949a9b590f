"""Measure the head profile of the bundled recall model, and put it where the package ships it.

    python scripts/measure_recall_lm_heads.py [--device cuda]

The cases are recall tasks of 1,024 tokens, with seeds that no bench uses. Half a minute on a GPU,
a quarter of an hour on two CPU cores. `--tasks none --mine` measures on random tokens that repeat
instead, as anyone would with a model of their own, and puts the profile into the user's cache
folder, where it goes before the package's.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

from mnemon.bench.recall import TASKS, sample
from mnemon.kv.calibration import Case, measure_heads
from mnemon.models import recall_lm

FIRST_SEED = 4_000_000
EACH = 8
LENGTH = 1024


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--each", type=int, default=EACH, help="cases a task")
    parser.add_argument("--tasks", default=",".join(TASKS), help="which, or none")
    parser.add_argument("--mine", action="store_true", help="save it in the cache folder")
    parser.add_argument("--out", type=Path, help="the file (default: the package's)")
    asked = parser.parse_args()
    model = recall_lm.load(dtype="float32", device=asked.device).model
    tasks = [] if asked.tasks == "none" else asked.tasks.split(",")
    cases = []
    for task in tasks:
        for number in range(asked.each):
            one = sample(task, LENGTH, seed=FIRST_SEED + number)
            cases.append(Case(one.context, one.question, one.answer))
    told = f"{asked.each} cases of {LENGTH} tokens of each of {', '.join(tasks)}"
    profile = measure_heads(model, cases, told) if cases else measure_heads(model)
    if asked.mine:
        print(profile.save())
        return
    where = asked.out or Path(str(files("mnemon.kv"))) / "profiles" / f"{profile.fingerprint}.json"
    print(profile.save(where))


if __name__ == "__main__":
    main()
