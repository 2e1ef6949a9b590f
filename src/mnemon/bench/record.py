"""Records: what was measured, on what, by which code; and their JSON.

`Record` goes to record.json; the answers to each question, which hold no text of the data, to
questions.json beside it. Loading both gives an equal record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mnemon.bench.case import Malformed
from mnemon.errors import ImportFailed

FORMAT = 1
RECORD, QUESTIONS = "record.json", "questions.json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system found for one question.

    `ranks` says for each evidence turn at which place (1 is best) it was ranked, None when not
    among the first `depth`; `within` how many evidence turns were returned under each budget.
    """

    question: str
    case: str
    category: str
    ranks: tuple[int | None, ...]
    within: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A case or question a system raised on: every question concerned scores 0."""

    case: str
    question: str | None
    error: str


@dataclass(frozen=True, slots=True)
class Result:
    """One system. Scores are in [0, 1], higher is better; `speed` names its units.

    Attributes:
        recipe: slot, name, version and options.
        scores: over all questions.
        categories: category → scores.
        intervals: score → (low, high), the 95% bootstrap interval over conversations.
        answers: one for each question, in the task's order.
    """

    name: str
    recipe: Mapping[str, Any]
    scores: Mapping[str, float]
    categories: Mapping[str, Mapping[str, float]]
    intervals: Mapping[str, tuple[float, float]]
    speed: Mapping[str, float]
    failures: tuple[Failure, ...] = ()
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One run: `mnemon bench text`.

    Attributes:
        task: the task's name and metadata.
        data: file → SHA-256 of it.
        code: version, commit ("" outside a checkout), SHA-256 of the package's sources.
        command: what to type to repeat it.
        date: when it began, ISO 8601 in UTC.
        counts: conversations, turns, questions (asked), unanswerable (left out: no evidence).
        depth: how far down ranks are looked at. `budgets` are in tokens.
        skipped: system → why it did not run.
    """

    task: Mapping[str, Any]
    data: Mapping[str, str]
    code: Mapping[str, str]
    command: str
    machine: Mapping[str, Any]
    date: str
    seed: int
    counts: Mapping[str, int]
    categories: Mapping[str, int]
    depth: int
    budgets: tuple[int, ...]
    systems: tuple[Result, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    malformed: tuple[Malformed, ...] = ()


def to_json(record: Record) -> str:
    """record.json: all but the answers."""
    bare = replace(record, systems=tuple(replace(one, answers=()) for one in record.systems))
    told = {"format": FORMAT, **asdict(bare)}
    for system in told["systems"]:
        del system["answers"]
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def answers_json(record: Record) -> str:
    """questions.json: a line for each question, with every system's ranks and counts."""
    lines: dict[str, dict[str, Any]] = {}
    for system in record.systems:
        for one in system.answers:
            told = {"case": one.case, "category": one.category, "systems": {}}
            found = lines.setdefault(one.question, told)["systems"]
            found[system.name] = {"ranks": one.ranks, "within": one.within}
    body = ",\n".join(
        f"{json.dumps(id, ensure_ascii=False)}: {json.dumps(told, ensure_ascii=False)}"
        for id, told in lines.items()
    )
    return "{\n" + body + "\n}\n"


def from_json(record: str, answers: str = "{}") -> Record:
    """The record of `to_json` and `answers_json`.

    Raises:
        ImportFailed: it is of another format.
    """
    told = json.loads(record)
    if told.pop("format", None) != FORMAT:
        raise ImportFailed(f"this is no record of format {FORMAT}: run the benchmark again")
    found = _answers(json.loads(answers))
    told["systems"] = tuple(_result(one, found.get(one["name"], ())) for one in told["systems"])
    told["malformed"] = tuple(
        Malformed(**{**one, "read_as": tuple(one["read_as"])}) for one in told["malformed"]
    )
    told["budgets"] = tuple(told["budgets"])
    return Record(**told)


def load(folder: Path) -> Record:
    """The record in a folder that `report.save` wrote."""
    record, answers = folder / RECORD, folder / QUESTIONS
    return from_json(record.read_text("utf-8"), answers.read_text("utf-8"))


def _result(told: dict[str, Any], answers: Sequence[Answer]) -> Result:
    told["failures"] = tuple(Failure(**one) for one in told["failures"])
    told["intervals"] = {score: tuple(ends) for score, ends in told["intervals"].items()}
    return Result(**told, answers=tuple(answers))


def _answers(told: dict[str, Any]) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for id, one in told.items():
        for system, ranked in one["systems"].items():
            ranks, within = tuple(ranked["ranks"]), tuple(ranked["within"])
            answer = Answer(id, one["case"], one["category"], ranks, within)
            found.setdefault(system, []).append(answer)
    return found
