from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnemon.bench.case import Case, Question, Turn
from mnemon.cube import Draft

SAID = [
    ("Ana", "I adopted a grey cat in Lisbon."),
    ("Ben", "What is the name of the cat?"),
    ("Ana", "Pixel, after the photographs I take."),
    ("Ben", "I bought a bicycle on Monday; it is red and far too heavy."),
    ("Ana", "Heavy bicycles are for strong people."),
    ("Ben", "My sister moved to Oslo to study the ice of glaciers."),
]


@pytest.fixture
def case() -> Case:
    turns = tuple(
        Turn(f"D1:{place}", Draft(text, speaker=who, session="s", key=f"k{place}"))
        for place, (who, text) in enumerate(SAID, start=1)
    )
    questions = (
        Question("c:0", "single-hop", "What colour is the bicycle?", ("D1:4",)),
        Question("c:1", "multi-hop", "What is Ana's cat called?", ("D1:1", "D1:3")),
    )
    return Case("c", turns, questions)


@pytest.fixture
def locomo(tmp_path: Path) -> Callable[..., Path]:
    """Write a tiny file in LoCoMo's format: one sample for each list of questions."""

    def write(*asked: list[dict[str, Any]]) -> Path:
        session = [
            {"speaker": who, "dia_id": f"D1:{place}", "text": text}
            for place, (who, text) in enumerate(SAID, start=1)
        ]
        samples = [
            {
                "sample_id": f"conv-{number}",
                "qa": questions,
                "conversation": {
                    "speaker_a": "Ana",
                    "speaker_b": "Ben",
                    "session_1_date_time": "1:56 pm on 8 May, 2023",
                    "session_1": session,
                },
            }
            for number, questions in enumerate(asked, start=1)
        ]
        path = tmp_path / "locomo10.json"
        path.write_text(json.dumps(samples))
        return path

    return write


@pytest.fixture
def asked() -> Callable[..., dict[str, Any]]:
    """A question as LoCoMo writes it."""

    def made(text: str, *evidence: str, category: int = 4) -> dict[str, Any]:
        return {"question": text, "answer": "", "evidence": list(evidence), "category": category}

    return made
