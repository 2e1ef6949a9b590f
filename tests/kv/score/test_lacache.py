"""What a ladder over the layers means."""

from __future__ import annotations

import pytest
import torch

from mnemon.errors import InvalidInput
from mnemon.kv import KVCache, Policy
from mnemon.kv.compress.drop import Drop
from mnemon.kv.score.lacache import LaCache
from mnemon.kv.score.recency import StreamingLLM

from ..models import forward, text, tiny_llama


def _held(score, steps: int = 40):
    """The places that each layer holds after a prompt and decoded tokens, and the cache."""
    model = tiny_llama(layers=4)
    policy = Policy(score=score, compress=_Noting(), window=4, sinks=2, block=8)
    held = KVCache(model, policy, 32)
    step = text(64)
    for _ in range(steps):
        step = forward(model, step, held)[:, -1:].argmax(-1)
    return policy.compress, held


class _Noting:
    """Eviction that remembers what the first compression kept."""

    def __init__(self) -> None:
        self.drop, self.kept = Drop(), []
        self.needs = self.drop.needs
        self.group, self.token_bytes = self.drop.group, self.drop.token_bytes
        self.fixed_bytes = self.drop.fixed_bytes

    def compress(self, view, kept):
        self.kept.append(kept[0, 0])
        return self.drop.compress(view, kept)


def test_layers_together_reach_further_back_than_the_newest_tokens() -> None:
    reached = []
    for score in (LaCache(), StreamingLLM()):
        noting, _ = _held(score, steps=1)
        union = torch.stack(noting.kept[:4]).any(0)
        reached.append(int(union.sum()))
        assert len({int(kept.sum()) for kept in noting.kept[:4]}) == 1
    assert reached[0] >= 1.5 * reached[1]


def test_memory_stands_still_while_text_goes_on() -> None:
    _, held = _held(LaCache(), steps=60)
    assert int(held.lengths().max()) <= 32 + 8


def test_neighbouring_layers_are_one_rung_apart() -> None:
    assert LaCache().ladder(32) == (2, 1)
    assert LaCache(span=8, overlap=4).ladder(32) == (7, 1)


def test_an_overlap_as_wide_as_the_span_is_refused() -> None:
    with pytest.raises(InvalidInput, match="overlap"):
        LaCache(span=4, overlap=4)
