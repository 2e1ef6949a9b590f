"""Block-wise prefill: each block is scored by all of the prompt, which then is as if never read."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.kv.models import forward, text, tiny_llama
from torch import Tensor

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv import KVCache
from mnemon.kv.episodes.patched import Patched
from mnemon.kv.episodes.prefill import at_once, policy_for, prefill, weights
from mnemon.kv.view import LayerView

PROMPT, STEP, BUDGET = 12, 8, 20


def _cache(model: Any, tokens: Tensor, prompt: Tensor, budget: int) -> KVCache:
    uniform, drop = methods.load("kv.allocate", "uniform"), methods.load("kv.compress", "drop")
    policy = policy_for(len(prompt), uniform, drop, sinks=2)
    return prefill(model, tokens, prompt, policy, budget, STEP)[0]


def test_all_of_the_prompt_asks_after_every_block(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    score = Patched.score

    def noted(self: Patched, view: LayerView) -> Tensor:
        asked.append(view.asked().shape[2])
        return score(self, view)

    monkeypatch.setattr(Patched, "score", noted)
    tokens, prompt = text(60)[0], text(PROMPT, seed=1)[0]
    cache = _cache(tiny_llama(), tokens, prompt, BUDGET)
    assert asked == [PROMPT] * len(asked)
    assert len(asked) == 3 * 6  # layers; blocks of 8 that went beyond 20 tokens
    assert bool((cache.lengths() == BUDGET).all())


def test_the_prompt_is_in_no_later_past() -> None:
    model, tokens = tiny_llama(), text(60)[0]
    held = [_cache(model, tokens, text(PROMPT, seed=seed)[0], 100) for seed in (1, 2)]
    plain = KVCache(model)
    forward(model, tokens[None], plain)
    asked = text(5, seed=3)
    expected = forward(model, asked, plain)
    for cache in held:
        assert torch.allclose(forward(model, asked, cache), expected, atol=1e-4)


def test_a_pass_weighs_a_block_at_most() -> None:
    model = tiny_llama()  # four query heads on two key-value heads: a query weighs a token
    weighed = weights(model)
    assert (weighed.token, weighed.query) == (3 * 2 * 2 * 16 * 4, 3 * 4 * 16 * 4)
    assert at_once(weighed, 64, 12) == 64 - 24
    with pytest.raises(InvalidInput, match="takes 24 of a block of 24"):
        at_once(weighed, 24, 12)
