"""Questions in letters that nothing here was fitted on: their words decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnemon import Memory
from mnemon.bench.tasks.chats import Chats
from mnemon.text.alphabet import latin

CHATS = Path(__file__).parents[2] / "training" / "other-letters"


@pytest.mark.parametrize(
    ("text", "is_latin"),
    [
        ("When is Zoë's birthday?", True),
        ("Où habite l'œuvre ? Ștefan, Đặng", True),
        ("42?", True),
        ("", True),
        ("小白", False),
        ("Где работает сестра?", False),
        ("ποιος", False),
        ("iPhoneはいつ買った", True),
        ("新しいiPhoneはいつ買いましたか", False),
    ],
)
def test_what_most_letters_are(text: str, is_latin: bool) -> None:
    assert latin(text) == is_latin


@pytest.mark.parametrize("embedder", ["context", "static"])
def test_a_question_in_any_letters_finds_its_answer_first(embedder: str) -> None:
    asked = first = 0
    for case in Chats().read(CHATS):
        with Memory(":memory:", embedder=embedder) as memory:
            said = memory.add([turn.draft for turn in case.turns])
            ids = {turn.id: cube.id for turn, cube in zip(case.turns, said, strict=True)}
            for question in case.questions:
                best = memory.search(question.text, k=1)[0].cube.id
                first += best in {ids[turn] for turn in question.evidence}
                asked += 1
    assert first >= 0.9 * asked


def test_scores_fall_and_a_hit_says_where_it_stood() -> None:
    (case,) = Chats().read(CHATS / "russian.chat")
    with Memory(":memory:") as memory:
        memory.add([turn.draft for turn in case.turns])
        for question in case.questions:
            hits = memory.search(question.text, k=10)
            scores = [hit.score for hit in hits]
            assert scores == sorted(scores, reverse=True)
            assert all(0.0 <= score <= 1.0 for score in scores)
