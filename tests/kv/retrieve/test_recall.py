"""A model that recalls still does when it reads a part of the text; forgetting breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.kv.models import greedy

from mnemon.bench.recall import sample
from mnemon.kv import KVCache
from mnemon.models import recall_lm

BUDGET = 0.15


@pytest.fixture(scope="module")
def right() -> Callable[[str], int]:
    """How many of three needles the model finds under a policy."""
    model: Any = recall_lm.load().model

    def count(policy: str) -> int:
        found = 0
        for seed in range(3):
            one = sample("niah_multikey", 512, seed)
            cache = KVCache(model, policy, BUDGET)
            told = torch.tensor([one.prompt()])
            split = len(one.context)
            greedy(model, told[:, :split], cache, steps=1)
            made = greedy(model, told[:, split:], cache, steps=len(one.answer))
            found += tuple(made[0].tolist()) == one.answer
        return found

    return count


def test_eviction_at_this_budget_loses_needles(right: Callable[[str], int]) -> None:
    assert right("recency") <= 1


@pytest.mark.parametrize(
    "name", ["louiskv(cluster_size=4)", "delta-sparse-attention", "lycheedecode"]
)
def test_retrieval_at_this_budget_finds_them(right: Callable[[str], int], name: str) -> None:
    assert right(name) >= 2
