"""Scorers on a model that recalls: what is kept of a context decides what it can answer."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from mnemon.bench.recall import sample
from mnemon.kv import KVCache
from mnemon.models import recall_lm

from ..models import forward

SEEDS = (0, 1)


@cache
def model() -> Any:
    return recall_lm.load().model


@cache
def asked(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """A context, its question with the answer, and what the model says with all of the context."""
    one = sample("niah_multikey", 320, seed)
    context, rest = torch.tensor([one.context]), torch.tensor([one.question + one.answer])
    whole = DynamicCache(config=model().config)
    forward(model(), context, whole)
    return context, rest, forward(model(), rest, whole)[0].log_softmax(-1)


@cache
def error(policy: str) -> float:
    """Divergence (nats a token) of what the model says with three tenths of the cache."""
    found = 0.0
    for seed in SEEDS:
        context, rest, expected = asked(seed)
        held = KVCache(model(), policy, 0.3)
        forward(model(), context, held)
        said = forward(model(), rest, held)[0].log_softmax(-1)
        found += float((expected.exp() * (expected - said)).sum(-1).mean())
    return found / len(SEEDS)


@pytest.mark.parametrize("better", ["compactor", "keydiff"])
@pytest.mark.parametrize("worse", ["random", "l2-norm-kv"])
def test_keys_that_stand_out_are_what_is_asked_for(better: str, worse: str) -> None:
    assert error(better) < error(worse) / 2


def test_the_unexpected_says_more_than_the_newest() -> None:
    assert error("sirllm") < error("recency") / 2


@pytest.mark.parametrize("better", ["h2o", "scissorhands"])
def test_what_was_attended_to_says_more_than_chance(better: str) -> None:
    assert error(better) < error("random") / 1.5
