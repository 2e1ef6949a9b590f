"""Attention over ragged stores, several of them, equals the formula applied head by head."""

from __future__ import annotations

import pytest
import torch
from tests.kv.models import forward, text, tiny_llama
from transformers import PreTrainedModel

from mnemon.kv import KVCache, attention
from mnemon.kv.compress.drop import Drop
from mnemon.kv.stored import Rows, Stored
from mnemon.kv.view import LayerView

HEADS, GROUPS, CHANNELS, TAIL = 2, 2, 16, 7


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return tiny_llama()


def one_by_one(
    query: torch.Tensor, stores: list[Stored], keys: torch.Tensor, values: torch.Tensor
) -> torch.Tensor:
    """The slow reference: every query of every head over what that head holds, in float64."""
    batch, heads, count, _ = query.shape
    out = torch.zeros(batch, count, heads, CHANNELS, dtype=torch.float64)
    for b in range(batch):
        for h in range(heads):
            row = b * HEADS + h // GROUPS
            held = [store.read() for store in stores]
            k = torch.cat([_row(one, one.keys, row) for one in held] + [keys[b, h // GROUPS]])
            v = torch.cat([_row(one, one.values, row) for one in held] + [values[b, h // GROUPS]])
            for q in range(count):
                seen = len(k) - (count - 1 - q)
                weights = (k[:seen].double() @ query[b, h, q].double() / CHANNELS**0.5).softmax(0)
                out[b, q, h] = weights @ v[:seen].double()
    return out


def _row(rows: Rows, tensor: torch.Tensor, row: int) -> torch.Tensor:
    return tensor.split(rows.lengths.flatten().tolist())[row]


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("ragged", [True, False])
def test_it_equals_the_formula(model: PreTrainedModel, count: int, ragged: bool) -> None:
    cache = KVCache(model, "recency", 1.0)
    forward(model, text(TAIL, batch=2), cache)
    layer = cache.compressed[1]
    for size in (20, 9):
        keys, values = torch.randn(2, 2, HEADS, size, CHANNELS).unbind()
        kept = torch.rand(2, HEADS, size) > 0.4 if ragged else torch.rand(1, 1, size) > 0.4
        view = LayerView(1, 3, 1, keys, values, 0, 0, size, 0.25)
        layer.stores += Drop().compress(view, kept.expand(2, HEADS, size))
    query = torch.randn(2, HEADS * GROUPS, count, CHANNELS)
    module = model.model.layers[1].self_attn
    found = attention.over_layer(layer, module, query, "sdpa", scaling=0.25)
    wanted = one_by_one(query, layer.stores, *layer.held)
    assert found.shape == (2, count, HEADS * GROUPS, CHANNELS)
    assert torch.allclose(found.double(), wanted, atol=1e-5)


def test_an_entry_with_a_bias_counts_as_so_many_tokens(model: PreTrainedModel) -> None:
    """The logarithm of three on one key is the same as that key three times."""
    query = torch.randn(1, 4, 1, CHANNELS)
    keys, values = torch.randn(2, 6, CHANNELS).unbind()
    bias = torch.zeros(6)
    bias[1] = bias[4] = torch.tensor(3.0).log()
    once = Rows(keys, values, torch.tensor([[3, 3]]), bias)
    cache = KVCache(model, "recency", 1.0)
    forward(model, text(TAIL), cache)
    layer = cache.compressed[1]
    found = attention._ragged(once, layer, query, 0.25, None)
    repeated = [0, 1, 1, 1, 2, 3, 4, 4, 4, 5]
    thrice = Rows(keys[repeated], values[repeated], torch.tensor([[5, 5]]))
    assert torch.allclose(found, attention._ragged(thrice, layer, query, 0.25, None), atol=1e-6)
