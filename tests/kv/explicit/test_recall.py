"""A model that recalls, asked for codes that stand in references it no longer reads as words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mnemon.bench.reuse.explicit import HALVES, NOTHING, PAPER, WORDS, Row, measure
from mnemon.models import recall_lm
from mnemon.models.embed.static import StaticEmbedder


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    model, tokenizer = recall_lm.load()
    return measure(
        model, tokenizer, embed=StaticEmbedder().embed, ways=(PAPER, HALVES), seeds=(0,), count=5,
        length=100,
    )  # fmt: skip


def test_the_last_layers_answer_from_fewer_bytes_than_a_fiftieth(rows: list[Row]) -> None:
    halves, nothing, words = rows[1:]
    assert (nothing.way, words.way) == (NOTHING, WORDS)
    assert halves.found == halves.asked == words.right
    assert halves.smaller >= 50
    assert nothing.right == 0
    assert halves.right >= 0.8 * words.right


def test_the_first_layers_of_a_model_that_was_not_trained_for_it_do_not(rows: list[Row]) -> None:
    assert rows[0].smaller >= 50
    assert rows[0].right == 0


def test_reading_computes_no_token_of_what_is_read(rows: list[Row]) -> None:
    halves, nothing, words = rows[1:]
    assert halves.passed == nothing.passed
    assert words.passed > 20 * halves.passed


def test_ways_can_be_told_apart() -> None:
    assert replace(HALVES, layers="first", score="h2o") == PAPER
