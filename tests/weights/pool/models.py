"""What tests of pools share: methods of the slot at small sizes, a short training, facts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mnemon.bench.pool_training.facts import facts
from mnemon.bench.pool_training.recipe import PoolRecipe
from mnemon.bench.recall import text


class Loaded(NamedTuple):
    model: Any
    tokenizer: Any


SMALL: dict[str, dict[str, Any]] = {
    "memoryllm": {"num_tokens": 4, "num_blocks": 4},
    "m-plus": {"num_tokens": 4, "num_blocks": 4, "num_ltm_blocks": 2},
}
FEW = PoolRecipe(num_blocks=8, steps=32, written=64, most=6, asked=64, unrelated=1, growing=0.5)
_DRAWN = facts(np.random.default_rng(3), 24)
IDS = [tuple(row) for row in _DRAWN.told.tolist()]
TOLD = [text(row[1:]) for row in IDS]
QUESTIONS = [text(row[1:-3]) for row in _DRAWN.asked.tolist()]
VALUES = [text(row[-3:-1]) for row in _DRAWN.asked.tolist()]
