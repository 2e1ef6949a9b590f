"""What a run of the bench is made of: systems, a task, its cases; and how a record names them."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mnemon import methods
from mnemon.bench.case import Case, Question
from mnemon.bench.recipes import Fetched, Recipe
from mnemon.bench.tasks import Task
from mnemon.errors import ImportFailed, InvalidInput, MissingExtra
from mnemon.models.extras import require

TASKS, RECIPES = "bench.tasks", "bench.recipes"


def recipes_of(
    systems: Sequence[str | Recipe] | None, besides: Sequence[str] = ()
) -> tuple[dict[str, Recipe], dict[str, str]]:
    """(systems by name, those whose package or model is missing → why), for names or instances.

    None is every method of the slot, and those named `besides`; what is not named is not fetched.

    Raises:
        UnknownName: no such system. MissingExtra: one that was named lacks its package.
    """
    chosen: dict[str, Recipe] = {}
    skipped: dict[str, str] = {}
    for asked in [*methods.names(RECIPES), *besides] if systems is None else systems:
        recipe: Recipe = made(asked) if isinstance(asked, str) else asked
        name = name_of(recipe)
        try:
            if recipe.needs:
                require(*recipe.needs)
        except MissingExtra as error:
            if systems is not None:
                raise
            skipped[name] = str(error)
            continue
        if systems is None and isinstance(recipe, Fetched) and not recipe.at_hand():
            skipped[name] = f"{recipe.model} is not on this machine: `--systems {name}` fetches it"
            continue
        chosen[name] = recipe
    if not chosen:
        raise InvalidInput(f"no system to measure: there are {', '.join(methods.names(RECIPES))}")
    return chosen, skipped


def made(told: str) -> Recipe:
    """A recipe from `name` or `name:option=value:…`, values as text."""
    name, *options = told.split(":")
    if not all("=" in option for option in options):
        raise InvalidInput(f"cannot read the system {told!r}: write it as name:option=value")
    recipe: Recipe = methods.load(RECIPES, name, **dict(one.split("=", 1) for one in options))
    return recipe


def name_of(recipe: Recipe) -> str:
    """Its name, and the options that are not the default ones."""
    told, usual = methods.describe(recipe), methods.describe(type(recipe)())
    changed = [
        f"{option}={value}"
        for option, value in told["options"].items()
        if value != usual["options"][option]
    ]
    return f"{told['name']}({', '.join(changed)})" if changed else str(told["name"])


def task_of(path: Path) -> Task:
    """The task whose data lies at a path.

    Raises:
        ImportFailed: it is of none that we know.
    """
    if not path.exists():
        raise ImportFailed(f"there is nothing at {path}: name locomo10.json or a folder of data")
    for name in methods.names(TASKS):
        task: Task = methods.load(TASKS, name)
        if task.sniff(path):
            return task
    raise ImportFailed(f"{path} is no data of a task: there are {', '.join(methods.names(TASKS))}")


def limited(cases: Sequence[Case], limit: int | None) -> list[Case]:
    """The first so many questions of all cases, in their order, and the cases that have any.

    Raises:
        InvalidInput: nothing is left to ask.
    """
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


def limited_each(cases: Sequence[Case], limit: int | None) -> list[Case]:
    """At most so many questions of every case, spread evenly over it: data is often sorted by kind.

    Raises:
        InvalidInput: nothing is left to ask.
    """
    asked = limited(cases, None)
    if limit is None:
        return asked
    if limit < 1:
        raise InvalidInput(f"limit is {limit}: ask at least one question of each conversation")
    return [replace(case, questions=_spread(case.questions, limit)) for case in asked]


def _spread(questions: Sequence[Question], most: int) -> tuple[Question, ...]:
    step = max(1.0, len(questions) / most)
    return tuple(questions[int(place * step)] for place in range(min(most, len(questions))))


def told_of(task: Task) -> dict[str, Any]:
    """What a record says of a task."""
    told = methods.describe(task)
    fields = ("url", "licence", "citation", "split", "main_score", "direction")
    return {"id": told["name"], "title": task.name} | {one: getattr(task, one) for one in fields}


def contents_of(cases: Sequence[Case]) -> dict[str, Any]:
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


def command(
    verb: str,
    data: str | Path | None,
    systems: Sequence[str | Recipe] | None = None,
    **options: object,
) -> str:
    """What to type to repeat a run; options that are None are left out.

    Of the data only the name: where it lay on this machine is nobody's business.
    """
    parts = ["mnemon", "bench", verb]
    if data is not None:
        parts += ["--data", os.fspath(Path(data).name)]
    if systems is not None:
        named = (one if isinstance(one, str) else name_of(one) for one in systems)
        parts += ["--systems", ",".join(named)]
    for name, value in options.items():
        parts += [] if value is None else [f"--{name}", str(value)]
    return shlex.join(parts)
