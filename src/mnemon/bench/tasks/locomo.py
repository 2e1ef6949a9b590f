"""LoCoMo: questions about ten very long conversations, with the turns that hold the answers.

    {"question": "When did Caroline go to the LGBTQ support group?", "answer": "7 May 2023",
     "evidence": ["D1:3"], "category": 2}
    {"speaker": "Caroline", "dia_id": "D1:3",
     "text": "I went to a LGBTQ support group yesterday and it was so powerful."}

Paper: Maharana et al. 2024, https://arxiv.org/abs/2402.17753. Data: `data/locomo10.json` of
https://github.com/snap-research/locomo (CC BY-NC 4.0), not bundled. Official scorer of evidence
recall: `task_eval/evaluation.py` lines 232-241 at commit 92286325a40764bee61f77824ddb95233b11c4d6.
How ours differs: there a question without evidence counts as recall 1, here the four are left
out; there broken evidence is never found, here what can be read is (see `_evidence.py`), what
cannot is reported, and an id given twice counts once. Of 1,986 questions 1,982 are usable. The
adversarial ones (the answer is not there) do name evidence and count.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mnemon import methods
from mnemon.bench.case import Case, Malformed, Question, Turn
from mnemon.bench.tasks._evidence import parse
from mnemon.cube import Draft
from mnemon.importers import History

__all__ = ["LoCoMo"]

_FILES = "locomo*.json"
_HEAD = 1 << 16
# Numbers as in `task_eval/evaluation.py`; names as in the paper's section 4.1.
_CATEGORIES = {
    1: "multi-hop",
    2: "temporal",
    3: "open-domain",
    4: "single-hop",
    5: "adversarial",
}


@dataclass(frozen=True)
class LoCoMo:
    """Reads `locomo10.json`; turns are exactly those of the importer of that name."""

    name: ClassVar[str] = "LoCoMo (evidence retrieval)"
    url: ClassVar[str] = "https://github.com/snap-research/locomo"
    licence: ClassVar[str] = "CC BY-NC 4.0"
    citation: ClassVar[str] = "Maharana et al. 2024, https://arxiv.org/abs/2402.17753"
    split: ClassVar[str] = "all 10 released conversations (no train split)"
    main_score: ClassVar[str] = "recall@10"
    direction: ClassVar[str] = "higher"

    def sniff(self, path: Path) -> bool:
        """As the importer judges."""
        head = b""
        if path.is_file():
            with path.open("rb") as stream:
                head = stream.read(_HEAD)
        return bool(methods.load("importers", "locomo").sniff(path, head))

    def read(self, path: Path) -> list[Case]:
        """One case for each sample.

        Raises:
            ImportFailed: there is no such data at `path`.
        """
        turns: dict[str, list[Turn]] = {}
        lost: list[Malformed] = []
        history = History(path)
        for entry in methods.load("importers", "locomo").read(history):
            if isinstance(entry, Draft):
                told = entry.metadata
                turns.setdefault(told["sample"], []).append(Turn(told["dia_id"], entry))
            else:
                lost.append(Malformed("", entry.place, "", entry.reason))
        cases = [_case(sample, turns.get(sample["sample_id"], [])) for sample in _samples(history)]
        history.close()
        if lost and cases:
            first = cases[0]
            malformed = (*lost, *first.malformed)
            cases[0] = Case(first.id, first.turns, first.questions, malformed, first.unanswerable)
        return cases


def _samples(history: History) -> Iterator[dict[str, Any]]:
    for name in history.files(_FILES):
        with history.open(name, counted=False) as stream:
            yield from json.load(stream)


def _case(sample: dict[str, Any], turns: list[Turn]) -> Case:
    id = sample["sample_id"]
    known = frozenset(turn.id for turn in turns)
    questions: list[Question] = []
    malformed: list[Malformed] = []
    for number, entry in enumerate(sample["qa"]):
        place = f"{id}:{number}"
        evidence: dict[str, None] = {}
        for string in entry.get("evidence", []):
            found, wrong = parse(str(string), known)
            evidence.update(dict.fromkeys(found))
            if wrong:
                malformed.append(Malformed(id, place, str(string), wrong, found))
        if evidence:
            category = _CATEGORIES.get(entry["category"], str(entry["category"]))
            questions.append(Question(place, category, entry["question"], tuple(evidence)))
    left_out = len(sample["qa"]) - len(questions)
    return Case(id, tuple(turns), tuple(questions), tuple(malformed), left_out)
