"""Questions with known evidence, for `mnemon demo`: the bundled sample's, or LoCoMo's."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from mnemon import sample
from mnemon.cube import MemCube
from mnemon.errors import ImportFailed

_DOZEN = 12
_TURN = re.compile(r"D(\d+):(\d+)")
_ADVERSARIAL = "adversarial"
_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: _ADVERSARIAL}


@dataclass(frozen=True, slots=True)
class Question:
    """`evidence` are the ids of the turns that hold the answer; empty when none is known."""

    text: str
    answer: str = ""
    category: str = ""
    evidence: frozenset[str] = frozenset()

    @property
    def unanswerable(self) -> bool:
        """Asked about something that was never said."""
        return self.category == _ADVERSARIAL


def turn(cube: MemCube) -> str | None:
    """The id by which evidence names a cube, if the history gave it one."""
    found = cube.metadata.get("dia_id", cube.metadata.get("id"))
    return None if found is None else str(found)


def bundled() -> list[Question]:
    """The dozen that show what memory is about."""
    return [
        Question(one["question"], one["answer"], one["category"], frozenset(one["evidence"]))
        for one in sample.questions()
        if one["demo"]
    ]


def locomo(path: Path, wanted: str | None) -> tuple[str, list[Question]]:
    """(sample's id, a dozen questions) of a LoCoMo file: of the first sample if None is wanted.

    Raises:
        ImportFailed: the file cannot be read, or has no such sample.
    """
    try:
        entries = {one["sample_id"]: one["qa"] for one in json.loads(path.read_text("utf-8"))}
    except (ValueError, KeyError, TypeError) as error:
        raise ImportFailed(f"{path} has no LoCoMo samples with questions: {error!r}") from error
    if not entries or wanted not in (None, *entries):
        raise ImportFailed(f"{path} has no sample {wanted!r}: there are {', '.join(entries)}")
    chosen = next(iter(entries)) if wanted is None else wanted
    return chosen, _drawn([_question(entry) for entry in entries[chosen]])


def _question(entry: Mapping[str, Any]) -> Question:
    category = _CATEGORIES.get(entry.get("category", 0), "")
    if category == _ADVERSARIAL:
        # Its evidence is what misleads, and its `adversarial_answer` the mistake.
        return Question(entry["question"], "not mentioned", category)
    return Question(
        entry["question"],
        str(entry.get("answer", "")),
        category,
        frozenset(_turns(entry.get("evidence", ()))),
    )


def _turns(evidence: Iterable[str]) -> list[str]:
    return [f"D{int(a)}:{int(b)}" for one in evidence for a, b in _TURN.findall(one)]


def _drawn(questions: list[Question]) -> list[Question]:
    """A dozen, in turn of every category, the same each time."""
    draw = random.Random(0)
    groups: dict[str, list[Question]] = {}
    for question in questions:
        if question.evidence or question.unanswerable:
            groups.setdefault(question.category, []).append(question)
    shuffled = [draw.sample(groups[name], len(groups[name])) for name in sorted(groups)]
    rounds = chain.from_iterable(zip_longest(*shuffled))
    dozen = [question for question in rounds if question is not None][:_DOZEN]
    return sorted(dozen, key=lambda question: question.unanswerable)
