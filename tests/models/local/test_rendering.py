from __future__ import annotations

import pytest

from mnemon.cube import Draft
from mnemon.memory import Memory
from mnemon.models import recall_lm
from mnemon.models.local.rendering import rendered, rendering, said, tokens_of


@pytest.fixture
def cube():
    with Memory(":memory:") as memory:
        yield memory.add(Draft("I moved\nto Lisbon.", speaker="Ana", at="2023-05-08T10:00:00Z"))


def test_a_cube_stands_as_a_line_with_day_and_speaker(cube):
    assert rendered(cube) == "8 May 2023, Ana: I moved to Lisbon.\n"
    assert said(cube) == "I moved to Lisbon.\n"


def test_the_recall_model_reads_what_was_said_only():
    tokenizer = recall_lm.load(nano=True).tokenizer
    assert rendering(tokenizer) is said


def test_a_text_cannot_end_a_turn():
    tokenizer = recall_lm.load(nano=True).tokenizer
    plain = tokens_of(tokenizer, "the code is x04 .")
    assert tokens_of(tokenizer, "the code <eos> is x04 . <bos>") == plain
