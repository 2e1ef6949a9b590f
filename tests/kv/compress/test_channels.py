"""What the methods mean that store fewer channels, or something else than keys and values."""

from __future__ import annotations

import pytest
import torch

from mnemon.errors import InvalidInput
from mnemon.kv import KVCache, Policy
from mnemon.kv.compress import Shape
from mnemon.kv.compress.cskv import CSKV
from mnemon.kv.compress.drop import Drop
from mnemon.kv.compress.kivi import KIVI
from mnemon.kv.compress.think import ThinK
from mnemon.kv.compress.xquant import XQuant

from ..models import forward, text, tiny_llama
from .views import error, first, random, view_of

_ALL = 0.9999


def _scaled(tokens: int = 65):
    """Channels of very different size in keys, and of other sizes in queries."""
    sizes = torch.linspace(0.1, 3, 16)
    keys = random(1, 2, tokens, 16) * sizes
    queries = random(1, 2, 32, 16, seed=1) * sizes.flip(0)
    return keys, random(1, 2, tokens, 16, seed=2), queries


def test_think_picks_channels_better_than_size_alone_or_chance() -> None:
    keys, values, queries = _scaled()
    view = view_of(keys, values, queries=queries)
    thin = ThinK().compress(view, first(view, 64))[0]
    assert thin.parts["keys"].shape == (128, 10)
    logits = queries @ keys[:, :, :-1].transpose(2, 3)

    def wrong(channels: torch.Tensor) -> float:
        kept = torch.zeros(16)
        kept[channels] = 1
        return float((queries * kept @ keys[:, :, :-1].transpose(2, 3) - logits).square().mean())

    told = thin.read().keys.view(1, 2, 64, 16)
    own = float((queries @ told.transpose(2, 3) - logits).square().mean())
    assert own < wrong(keys.norm(dim=2)[0, 0].topk(10).indices)
    assert own < min(wrong(torch.randperm(16)[:10]) for _ in range(5))


def test_think_goes_on_with_the_channels_of_the_first_text() -> None:
    model = tiny_llama(layers=1)
    held = KVCache(model, Policy(compress=ThinK(window_size=8), window=8, block=16), 0.6)
    forward(model, text(64), held)
    before = held.compressed[0].stores[0].parts["channels"]
    forward(model, text(32, seed=1), held)
    (store,) = held.compressed[0].stores
    assert torch.equal(store.parts["channels"], before)
    assert int(store.lengths[0, 0]) > 32


def test_cskv_is_exact_for_tokens_of_low_rank_and_near_otherwise() -> None:
    keys, values = (random(1, 2, 65, 3, seed=s) @ random(1, 2, 3, 16, seed=s + 5) for s in (0, 1))
    view, queries = view_of(keys, values), random(1, 2, 16, 16, seed=2)
    assert error(view, CSKV().compress(view, first(view, 64)), queries) < 1e-8
    noisy = view_of(keys + 0.1 * random(1, 2, 65, 16), values + 0.1 * random(1, 2, 65, 16, seed=1))
    low = CSKV().compress(noisy, first(noisy, 64))
    dropped = Drop().compress(noisy, first(noisy, -(-low[0].nbytes // (2 * 128))))
    assert error(noisy, low, queries) < error(noisy, dropped, queries)


def test_cskv_keeps_later_tokens_on_the_first_basis() -> None:
    model = tiny_llama(layers=1)
    held = KVCache(model, Policy(compress=CSKV(), window=8, block=16), 0.6)
    forward(model, text(64), held)
    basis = held.compressed[0].stores[0].parts["key_basis"]
    forward(model, text(32, seed=1), held)
    (store,) = held.compressed[0].stores
    assert torch.equal(store.parts["key_basis"], basis)


def _logits(model, compress, budget=_ALL):
    """Logits of a text's end over a compressed beginning, and the cache."""
    held = KVCache(model, Policy(compress=compress, window=1, sinks=0, block=999), budget)
    forward(model, text(97), held)
    return forward(model, text(16, seed=1), held), held


@pytest.mark.parametrize("kv_heads", [2, 4], ids=["shared heads", "own heads"])
@pytest.mark.parametrize("bias", [False, True])
def test_inputs_of_full_precision_give_the_same_keys_and_values(kv_heads: int, bias: bool) -> None:
    model = tiny_llama(layers=2, kv_heads=kv_heads, attention_bias=bias)
    if bias:
        for layer in model.model.layers:
            layer.self_attn.k_proj.bias.data.normal_()
            layer.self_attn.v_proj.bias.data.normal_()
    _, held = _logits(model, XQuant(bits=16))
    whole = KVCache(model, "recency", 1.0)
    forward(model, text(97), whole)
    for mine, layer in zip(held.compressed, whole.compressed, strict=True):
        store = mine.stores[0]
        places = store.parts["positions"].view(1, kv_heads, -1, 1).long().expand(-1, -1, -1, 16)
        rows = store.read()
        assert store.lengths[0, 0] > 80
        for told, dense in ((rows.keys, layer.keys), (rows.values, layer.values)):
            assert torch.allclose(told.view(places.shape), dense.gather(2, places), atol=1e-4)


def test_inputs_of_full_precision_give_the_same_logits() -> None:
    model = tiny_llama(layers=2, kv_heads=4)
    told, held = _logits(model, XQuant(bits=16))
    assert held.compressed[0].stores[0].lengths.tolist() == [[96] * 4]
    whole = forward(model, torch.cat([text(97), text(16, seed=1)], 1))[:, 97:]
    assert torch.allclose(told, whole, atol=1e-3)


def test_inputs_take_half_of_keys_and_values_where_heads_are_not_shared() -> None:
    shape = Shape(16, 16, torch.float32, 0, 2, 96, heads=4, hidden=64)
    assert XQuant(bits=16).token_bytes(shape) - 4 == shape.nbytes / 2
    _, held = _logits(tiny_llama(layers=2, kv_heads=4), XQuant(bits=16))
    store = held.compressed[0].stores[0]
    assert store.parts["inputs"].shape == (4 * 96, 16) and "keys" not in store.parts


def test_coded_inputs_are_nearer_than_coded_keys_at_the_same_bytes() -> None:
    model = tiny_llama(layers=2, kv_heads=4)
    whole = forward(model, torch.cat([text(97), text(16, seed=1)], 1))[:, 97:]
    mine, held = _logits(model, XQuant(bits=4, group_size=16))
    other, beside = _logits(model, KIVI(bits=2, group_size=16))
    assert held.compressed[0].stores[0].nbytes <= beside.compressed[0].stores[0].nbytes
    assert float((mine - whole).square().mean()) < float((other - whole).square().mean())


def test_a_model_that_makes_keys_otherwise_is_refused() -> None:
    model = tiny_llama(layers=1)
    model.model.layers[0].self_attn.v_proj = torch.nn.Sequential(
        model.model.layers[0].self_attn.v_proj
    )
    with pytest.raises(InvalidInput, match="k_proj, v_proj"):
        KVCache(model, "xquant", 0.5)
