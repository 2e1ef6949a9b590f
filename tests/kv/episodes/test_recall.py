"""A model that recalls, asked about a conversation of several sessions, at one budget."""

from __future__ import annotations

import pytest

from mnemon.bench.reuse.episodes import Row, measure
from mnemon.bench.reuse.history import history
from mnemon.models import recall_lm
from mnemon.models.embed.static import StaticEmbedder

BUDGET, BLOCK = 32, 288


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    model, tokenizer = recall_lm.load()
    found = measure(
        model, tokenizer, embed=StaticEmbedder().embed, budget=BUDGET, block=BLOCK, window=3,
        methods=("full", "recency", "leverage", "epicache"), seeds=(0,), episodes=3,
        conversation=lambda seed: history(seed, people=3, turns=3, filler=18),
    )  # fmt: skip
    return {row.method: row for row in found}


def test_answers_are_better_than_from_one_cache_that_knows_no_question(
    rows: dict[str, Row],
) -> None:
    assert rows["full"].accuracy == 1.0
    assert rows["epicache"].accuracy >= rows["leverage"].accuracy + 0.2
    assert rows["epicache"].accuracy >= rows["recency"].accuracy + 0.2


def test_nobody_holds_more_than_the_budget_and_one_block(rows: dict[str, Row]) -> None:
    layers, heads, channels = 8, 4, 64
    token = layers * heads * channels * 2 * 4
    assert rows["full"].peak > (BUDGET + BLOCK) * token
    assert rows["epicache"].peak <= (BUDGET + BLOCK) * token
    assert rows["epicache"].held <= BUDGET * token
