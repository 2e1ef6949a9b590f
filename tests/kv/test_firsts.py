"""Sinks under codecs that work in groups: every head keeps them, as they are."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from mnemon.kv import KVCache
from mnemon.kv.compress.drop import Drop
from mnemon.kv.plan import token_bytes

from .models import forward, padded, text, tiny_llama
from .profiles import profile

POLICY = "tangram + kivi(bits=4, group_size=16) + sinks=3 + window=8 + block=16"


@cache
def _model() -> PreTrainedModel:
    return tiny_llama()


def _emptied(budget: float | int, ids: Tensor, mask: Tensor | None = None) -> KVCache:
    made = KVCache(_model(), POLICY, budget, profile=profile(3, 2))
    forward(_model(), ids, made, **({} if mask is None else {"attention_mask": mask}))
    return made


@pytest.mark.parametrize("budget", [0.15, 28])
def test_a_head_that_keeps_no_group_keeps_the_sinks_to_the_bit(budget: float | int) -> None:
    ids = text(200)
    held = _emptied(budget, ids)
    whole = KVCache(_model(), budget=1.0)
    forward(_model(), ids, whole)
    assert int(held.lengths().min()) == 3 + held.compressed[0].tail  # some head has no more
    for layer, full in zip(held.compressed, whole.compressed, strict=True):
        rows = layer.stores[0].read()
        assert rows.lengths.unique().tolist() == [3]
        assert torch.equal(rows.keys.view(1, 2, 3, -1), full.held[0][:, :, :3])
        assert torch.equal(rows.values.view(1, 2, 3, -1), full.held[1][:, :, :3])


@pytest.mark.parametrize("budget", [0.15, 48])
def test_they_stay_while_the_text_goes_on_and_the_budget_holds(budget: float | int) -> None:
    held = _emptied(budget, text(200))
    first = [layer.stores[0].read() for layer in held.compressed]
    one, seen = token_bytes(held.compressed), 200
    for step in text(120, seed=1).split(8, 1):
        before = held.compressed[0].stores
        forward(_model(), step, held)
        seen += 8
        if held.compressed[0].stores is not before:
            notes = [s.meta.values() for layer in held.compressed for s in layer.stores]
            extra = sum(note.nbytes for some in notes for note in some)
            assert held.positions is not None
            extra += held.positions.nbytes
            assert held.nbytes - extra <= held.budget.tokens(seen, one) * one
    for layer, rows in zip(held.compressed, first, strict=True):
        apart = [one for one in layer.stores if isinstance(one.codec, Drop)]
        assert len(apart) == 1 and torch.equal(apart[0].parts["keys"], rows.keys)


def test_sequences_that_begin_to_be_compressed_at_different_times() -> None:
    model, texts = _model(), [text(150), text(24, seed=1)]
    ids, mask = padded(texts)
    both = _emptied(0.5, ids, mask)
    alone = [_emptied(0.5, one) for one in texts]
    for step in text(60, batch=2, seed=2).split(1, 1):
        mask = torch.cat([mask, torch.ones_like(step)], 1)
        forward(model, step, both, attention_mask=mask)
        for place, held in enumerate(alone):
            forward(model, step[place : place + 1], held)
    assert torch.equal(both.lengths(), torch.cat([one.lengths() for one in alone]))
    for index, layer in enumerate(both.compressed):
        singles = [one.compressed[index].stores[0].parts["values"] for one in alone]
        torch.testing.assert_close(layer.stores[0].parts["values"], torch.cat(singles))


def test_tokens_that_fill_no_group_wait_where_the_budget_allows() -> None:
    held = KVCache(_model(), "kivi(group_size=32) + sinks=4 + window=8 + block=8", 0.9)
    forward(_model(), text(70), held)
    seen = 70
    for step in text(60, seed=1).split(4, 1):
        forward(_model(), step, held)
        seen += 4
        assert held.lengths().unique().tolist() == [seen]
