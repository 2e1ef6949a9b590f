"""The bundled conversation of Ines and Tobias: small enough to try the harness in seconds.

    {"question": "Who is the contractor doing up Ines's place?",
     "answer": "Senhor Amadeu, who is 63 and hums fado",
     "category": "single-hop", "evidence": ["s01-t10"], "demo": false}

Written for Mnemon, so no model was trained on it. One conversation: good for trying things out,
too small to compare systems. The scorer is ours (`mnemon/bench/metrics.py`). Adversarial questions
have no evidence here and are left out. A folder of your own with `conversation.jsonl` (as the
importer `jsonl` reads it, each line with an `id`) and `questions.json` is read the same way.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon import methods
from mnemon.bench.case import Case, Malformed, Question, Turn
from mnemon.cube import Draft
from mnemon.errors import ImportFailed
from mnemon.importers import History

__all__ = ["Sample"]

TALK, QUESTIONS = "conversation.jsonl", "questions.json"
BUNDLED = Path(__file__).parents[2] / "sample"


@dataclass(frozen=True)
class Sample:
    """Reads a folder with a conversation and questions about it."""

    name: ClassVar[str] = "bundled sample (evidence retrieval)"
    url: ClassVar[str] = "src/mnemon/sample"
    licence: ClassVar[str] = "Apache-2.0"
    citation: ClassVar[str] = "written for Mnemon"
    split: ClassVar[str] = "all (1 conversation)"
    main_score: ClassVar[str] = "recall@10"
    direction: ClassVar[str] = "higher"

    def sniff(self, path: Path) -> bool:
        """A folder with both files."""
        return (path / TALK).is_file() and (path / QUESTIONS).is_file()

    def read(self, path: Path = BUNDLED) -> list[Case]:
        """One case.

        Raises:
            ImportFailed: a file is missing, or the questions are no JSON list.
        """
        if not self.sniff(path):
            raise ImportFailed(f"{path} is no folder with {TALK} and {QUESTIONS}")
        history = History(path / TALK)
        turns, lost = [], []
        for entry in methods.load("importers", "jsonl").read(history):
            if isinstance(entry, Draft) and entry.metadata.get("id"):
                turns.append(Turn(str(entry.metadata["id"]), entry))
            else:
                place = entry.source or "" if isinstance(entry, Draft) else entry.place
                reason = "no id" if isinstance(entry, Draft) else entry.reason
                lost.append(Malformed("sample", place, "", reason))
        return [_case(_asked(path / QUESTIONS), turns, lost)]


def _asked(path: Path) -> list[dict[str, Any]]:
    try:
        asked = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ImportFailed(f"{path} is no JSON: {error}") from error
    if not isinstance(asked, list):
        raise ImportFailed(f"{path} holds no list of questions")
    return asked


def _case(asked: list[dict[str, Any]], turns: list[Turn], lost: list[Malformed]) -> Case:
    known = {turn.id for turn in turns}
    questions: list[Question] = []
    malformed = list(lost)
    for number, entry in enumerate(asked):
        place = f"sample:{number}"
        given = dict.fromkeys(str(id) for id in entry.get("evidence", []))
        for id in given:
            if id not in known:
                malformed.append(Malformed("sample", place, id, f"no turn {id}"))
        evidence = tuple(id for id in given if id in known)
        if evidence:
            category = str(entry.get("category", "all"))
            questions.append(Question(place, category, entry["question"], evidence))
    left_out = len(asked) - len(questions)
    return Case("sample", tuple(turns), tuple(questions), tuple(malformed), left_out)
