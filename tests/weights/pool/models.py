"""What tests of pools share: methods of the slot at small sizes, a short training, facts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mnemon.bench.pool_training.facts import VALUE, facts
from mnemon.bench.pool_training.recipe import PoolRecipe
from mnemon.bench.recall import text


class Loaded(NamedTuple):
    model: Any
    tokenizer: Any


SMALL: dict[str, dict[str, Any]] = {
    "memoryllm": {"num_tokens": 4, "num_blocks": 4},
    "m-plus": {"num_tokens": 4, "num_blocks": 4, "num_ltm_blocks": 2},
}
FEW = PoolRecipe(
    num_blocks=8, steps=28, retriever_steps=12, written=48, most=6, asked=48, unrelated=1
)
_DRAWN = facts(np.random.default_rng(3), 24)
IDS = [tuple(row) for row in _DRAWN.told.tolist()]
TOLD = [text(row[1:]) for row in IDS]
QUESTIONS = [text(row[1:-VALUE]) for row in _DRAWN.asked.tolist()]
VALUES = [text(row[-VALUE:-1]) for row in _DRAWN.asked.tolist()]
