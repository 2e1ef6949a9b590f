"""Scorers, allocators and forms of storage from different papers compose, or say why not."""

from __future__ import annotations

import random
from itertools import product

import pytest
from tests.kv.models import forward, text, tiny_llama
from transformers import PreTrainedModel

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv import KVCache
from mnemon.kv.profile import HeadProfile

ALL = list(product(*(methods.names(f"kv.{slot}") for slot in ("score", "allocate", "compress"))))
SAMPLE = random.Random(5).sample(ALL, 30)
PROFILE = HeadProfile("any", ((1.0, 0.5), (0.25, 0.75)), "nothing")


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return tiny_llama(layers=2, head_dim=32)


@pytest.mark.parametrize(
    ("names", "budget"),
    [
        pytest.param(names, (0.6, 120)[n % 2], id=" + ".join(names))
        for n, names in enumerate(SAMPLE)
    ],
)
def test_they_compose_and_hold_their_budget(
    model: PreTrainedModel, names: tuple[str, str, str], budget: float
) -> None:
    slots = dict(zip(("score", "allocate", "compress"), names, strict=True))
    try:
        cache = KVCache(model, slots, budget, profile=PROFILE)
    except InvalidInput as refused:
        assert "choose" in str(refused) or "needs" in str(refused)
        return
    ids = text(208)
    forward(model, ids[:, :200], cache)
    allowed = (budget if budget > 1 else budget * 200) * 2 * 2 * 2 * 32 * 4
    notes = sum(
        note.nbytes for layer in cache.compressed for one in layer.stores
        for note in one.meta.values()
    )  # fmt: skip
    assert cache.nbytes - notes <= 1.05 * allowed + 1024
    for step in range(200, 208):
        forward(model, ids[:, step : step + 1], cache)
    assert cache.get_seq_length() == 208
