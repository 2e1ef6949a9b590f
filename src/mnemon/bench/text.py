"""`mnemon bench text`: which systems find the turns that hold a question's answer."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnemon import methods
from mnemon.bench import metrics, provenance, report
from mnemon.bench.case import Case
from mnemon.bench.measure import Progress, measure
from mnemon.bench.recipes import Recipe
from mnemon.bench.record import Record
from mnemon.bench.tasks import Task
from mnemon.bench.tasks.sample import BUNDLED
from mnemon.errors import ImportFailed, InvalidInput, MissingExtra
from mnemon.models.extras import require

TASKS, RECIPES = "bench.tasks", "bench.recipes"


def run(
    data: Path | None = None,
    out: Path | None = None,
    systems: Sequence[str | Recipe] | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Record:
    """`run_text`, and the record saved in the folder `out` when there is one."""
    record = run_text(data, systems, limit, progress, seed=seed)
    if out is not None:
        report.save(record, out)
    return record


def run_text(
    data: str | Path | None = None,
    systems: Sequence[str | Recipe] | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
    *,
    seed: int = 0,
) -> Record:
    """Measure systems on one task.

    Args:
        data: `locomo10.json`, or a folder as the task `sample` reads it; None is the bundled one.
        systems: names of the slot `bench.recipes` (`mnemon:program=fused` sets an option), or
            instances; None is all whose packages are installed (the others are told in
            `Record.skipped`).
        limit: ask only the first so many questions of the data, in its order.
        progress: called after each conversation with system, questions done, questions in all.
        seed: of the bootstrap intervals; nothing else is random.

    Raises:
        UnknownName: no such system. MissingExtra: one that was named lacks its package.
        ImportFailed: the data is of no task we know. InvalidInput: nothing to ask.
    """
    path = Path(data) if data is not None else BUNDLED
    recipes, skipped = _recipes(systems)
    task = _task(path)
    began = datetime.now(UTC).isoformat(timespec="seconds")
    cases = _limited(task.read(path), limit)
    unmeasured = Record(
        task=_told(task),
        data=provenance.digests(path),
        code=provenance.code(),
        command=_command(data, systems, limit, seed),
        machine=provenance.machine(),
        date=began,
        seed=seed,
        **_contents(cases),
        depth=metrics.DEPTH,
        budgets=metrics.BUDGETS,
        systems=(),
        skipped=skipped,
    )
    found = [measure(name, recipe, cases, seed, progress) for name, recipe in recipes.items()]
    return replace(unmeasured, systems=tuple(found))


def _recipes(systems: Sequence[str | Recipe] | None) -> tuple[dict[str, Recipe], dict[str, str]]:
    chosen: dict[str, Recipe] = {}
    skipped: dict[str, str] = {}
    for asked in methods.names(RECIPES) if systems is None else systems:
        recipe: Recipe = _made(asked) if isinstance(asked, str) else asked
        name = _name(recipe)
        try:
            if recipe.needs:
                require(*recipe.needs)
        except MissingExtra as error:
            if systems is not None:
                raise
            skipped[name] = str(error)
        else:
            chosen[name] = recipe
    if not chosen:
        raise InvalidInput(f"no system to measure: there are {', '.join(methods.names(RECIPES))}")
    return chosen, skipped


def _made(told: str) -> Recipe:
    """A recipe from `name` or `name:option=value:…`, values as text."""
    name, *options = told.split(":")
    if not all("=" in option for option in options):
        raise InvalidInput(f"cannot read the system {told!r}: write it as name:option=value")
    recipe: Recipe = methods.load(RECIPES, name, **dict(one.split("=", 1) for one in options))
    return recipe


def _name(recipe: Recipe) -> str:
    """Its name, and the options that are not the default ones."""
    told, usual = methods.describe(recipe), methods.describe(type(recipe)())
    changed = [
        f"{option}={value}"
        for option, value in told["options"].items()
        if value != usual["options"][option]
    ]
    return f"{told['name']}({', '.join(changed)})" if changed else str(told["name"])


def _task(path: Path) -> Task:
    if not path.exists():
        raise ImportFailed(f"there is nothing at {path}: name locomo10.json or a folder of data")
    for name in methods.names(TASKS):
        task: Task = methods.load(TASKS, name)
        if task.sniff(path):
            return task
    raise ImportFailed(f"{path} is no data of a task: there are {', '.join(methods.names(TASKS))}")


def _limited(cases: Sequence[Case], limit: int | None) -> list[Case]:
    if limit is not None and limit < 1:
        raise InvalidInput(f"limit is {limit}: ask at least one question")
    kept, left = [], limit
    for case in cases:
        questions = case.questions if left is None else case.questions[:left]
        left = None if left is None else left - len(questions)
        if questions:
            kept.append(replace(case, questions=questions))
    if not kept:
        raise InvalidInput("the data has no question with usable evidence")
    return kept


def _told(task: Task) -> dict[str, Any]:
    told = methods.describe(task)
    fields = ("url", "licence", "citation", "split", "main_score", "direction")
    return {"id": told["name"], "title": task.name} | {one: getattr(task, one) for one in fields}


def _contents(cases: Sequence[Case]) -> dict[str, Any]:
    """What of a record tells of the cases."""
    asked = [question for case in cases for question in case.questions]
    return {
        "counts": {
            "conversations": len(cases),
            "turns": sum(len(case.turns) for case in cases),
            "questions": len(asked),
            "evidence": sum(len(question.evidence) for question in asked),
            "unanswerable": sum(case.unanswerable for case in cases),
        },
        "categories": dict(sorted(Counter(question.category for question in asked).items())),
        "malformed": tuple(one for case in cases for one in case.malformed),
    }


def _command(
    data: str | Path | None,
    systems: Sequence[str | Recipe] | None,
    limit: int | None,
    seed: int,
) -> str:
    # Only the name of the data: where it lay on this machine is nobody's business.
    parts = ["mnemon", "bench", "text"]
    if data is not None:
        parts += ["--data", os.fspath(Path(data).name)]
    if systems is not None:
        parts += ["--systems", ",".join(s if isinstance(s, str) else _name(s) for s in systems)]
    if limit is not None:
        parts += ["--limit", str(limit)]
    return shlex.join([*parts, "--seed", str(seed)])
