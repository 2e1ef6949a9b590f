"""What the methods mean that store in low bits."""

from __future__ import annotations

import json

import pytest
import torch

from mnemon.errors import InvalidInput
from mnemon.kv import KVCache, Policy
from mnemon.kv.codes import dequantize_tokens, quantize_tokens
from mnemon.kv.compress import Shape
from mnemon.kv.compress.bfp_reorder import BFPReorder, channel_order, decode, encode
from mnemon.kv.compress.drop import Drop
from mnemon.kv.compress.kivi import KIVI
from mnemon.kv.compress.kvtuner import KVTuner
from mnemon.kv.compress.mikv import MiKV
from mnemon.kv.tuning import grouped_layers, pruned, search, tuned_for

from ..models import forward, text, tiny_llama
from .views import error, first, output, random, view_of


def _outliers(tokens: int = 129, size: int = 32):
    """Keys with a few channels that are large for every token, as models have them."""
    keys = random(1, 2, tokens, size)
    keys[..., [3, 11, 21]] = 12 + keys[..., [3, 11, 21]]
    return keys, random(1, 2, tokens, size, seed=1)


def test_kivi_beats_keys_per_token_at_the_same_bytes() -> None:
    keys, values = _outliers()
    view = view_of(keys, values)
    queries = random(1, 2, 16, 32, seed=2)
    everything = first(view, 128)
    made = KIVI(bits=2).compress(view, everything)
    flat = keys[:, :, :-1].reshape(-1, 32)
    per_token = dequantize_tokens(quantize_tokens(flat, 2, 32), 2).view(1, 2, 128, 32)
    whole = output(queries, keys[:, :, :-1], values[:, :, :-1])
    rows = made[0].read()
    other = output(queries, per_token, rows.values.view(1, 2, 128, 32))
    assert error(view, made, queries) < float((other - whole).square().sum() / whole.square().sum())
    shape = Shape(32, 32, torch.float32, 0, 1, 128)
    assert made[0].nbytes == 2 * 128 * KIVI(bits=2).token_bytes(shape)


def test_widths_that_cannot_be_packed_are_refused() -> None:
    with pytest.raises(InvalidInput, match="3 bits"):
        KIVI(bits=3)
    keys, values = _outliers(size=24)
    with pytest.raises(InvalidInput, match="divide"):
        KIVI(bits=2, group_size=16).compress(
            view_of(keys, values), first(view_of(keys, values), 16)
        )


def test_equal_numbers_are_coded_exactly_in_half_precision() -> None:
    same = torch.full((4, 32), 3.0, dtype=torch.float16)
    assert torch.equal(dequantize_tokens(quantize_tokens(same, 2, 32), 2), same)


def test_mikv_still_finds_what_eviction_loses() -> None:
    keys, values = random(1, 2, 101, 32), random(1, 2, 101, 32, seed=1)
    view = view_of(keys, values, queries=random(1, 2, 64, 32, seed=2))
    kept = first(view, 10)
    low = MiKV(low_bits=4).compress(view, kept)
    shape = Shape(32, 32, torch.float32, 0, 1, 100)
    held = sum(one.nbytes for one in low)
    dropped = Drop().compress(view, first(view, held // (2 * shape.nbytes)))
    assert sum(one.nbytes for one in dropped) >= 0.95 * held
    asking = 12 * torch.nn.functional.normalize(keys[:, :, 60:61], dim=-1)
    assert error(view, low, asking) < 0.05 < error(view, dropped, asking)


def test_mikv_keeps_important_tokens_to_the_last_bit() -> None:
    keys, values = random(1, 2, 101, 32), random(1, 2, 101, 32, seed=1)
    view = view_of(keys, values, queries=random(1, 2, 64, 32, seed=2))
    high, low = MiKV().compress(view, first(view, 10))
    assert torch.equal(high.parts["keys"].view(1, 2, 10, 32), keys[:, :, :10])
    assert low.lengths.tolist() == [[90, 90]]


def test_mikv_balances_outlier_channels() -> None:
    keys, values = _outliers()
    queries = random(1, 2, 64, 32, seed=2)
    queries[..., [3, 11, 21]] *= 0.05  # large keys, small queries
    view = view_of(keys, values, queries=queries)
    rows = MiKV(low_bits=4).compress(view, first(view, 1))[1].read()
    flat = keys[:, :, 1:-1].reshape(-1, 32)
    plain = dequantize_tokens(quantize_tokens(flat, 4, 32), 4)

    def wrong(told: torch.Tensor) -> float:
        off = (told - flat).view(1, 2, -1, 32)
        return float((queries @ off.transpose(2, 3)).square().mean())

    assert wrong(rows.keys) < wrong(plain)


def test_mikv_lets_the_lowest_go_when_the_budget_is_below_its_low_bits() -> None:
    model = tiny_llama(layers=1)
    held = KVCache(model, Policy(compress=MiKV(group_size=16), window=4, sinks=1), 0.15)
    forward(model, text(128), held)
    high, low = held.compressed[0].stores
    assert 0 < int(low.lengths[0, 0]) < 120
    assert int(high.lengths[0, 0]) >= 0.05 * int(low.lengths[0, 0])


def test_sorted_blocks_keep_logits_nearer_than_unsorted_ones() -> None:
    keys, values = _outliers()
    queries = random(1, 2, 16, 32, seed=2)
    view = view_of(keys, values)
    everything = first(view, 128)
    logits = queries @ keys[:, :, :-1].transpose(2, 3)
    wrong = []
    for reorder in (True, False):
        method = BFPReorder(block_size=8, reorder=reorder)
        told = method.compress(view, everything)[0].read().keys.view(1, 2, 128, 32)
        wrong.append(float((queries @ told.transpose(2, 3) - logits).square().mean()))
    assert wrong[0] < wrong[1]


def test_channels_that_turn_together_share_a_block() -> None:
    order = channel_order(_outliers()[0]).long()
    pairs = order.reshape(1, 2, 16, 2)
    assert torch.equal(pairs[..., 1], pairs[..., 0] + 16)
    assert torch.equal(order.sort(-1).values, torch.arange(32).expand(1, 2, -1))


def test_block_floating_point_is_exact_for_short_integers() -> None:
    numbers = torch.arange(-7, 8.0).repeat(2)[:16][None] * 0.25
    codes, exponents = encode(numbers, 4, 16)
    assert codes.shape == (1, 8) and exponents.dtype == torch.int8
    assert torch.equal(decode(codes, exponents, 4, torch.float32), numbers)
    assert bool((decode(*encode(torch.zeros(1, 16), 4, 16), 4, torch.float32) == 0).all())


def _uneven_model():
    """A model whose second layer is far more sensitive: its keys have outliers in few tokens."""
    model = tiny_llama(layers=3)
    with torch.no_grad():
        model.model.layers[1].self_attn.q_proj.weight *= 3
        model.model.layers[0].self_attn.o_proj.weight *= 0.05
        model.model.layers[2].self_attn.v_proj.weight *= 0.05
    return model


def test_a_search_finds_widths_that_beat_the_same_everywhere(tmp_path) -> None:
    model = _uneven_model()
    found = search(model, text(96), bits=4, evaluations=12, alike=0.0, group_size=16)
    assert found.bits <= 4 and found.evaluated <= 0.05 * found.possible
    same = KVCache(model, Policy(compress=KIVI(4, group_size=16), window=1, sinks=0), 0.9999)
    whole = forward(model, text(96))[:, 48:]
    forward(model, text(96)[:, :48], same)
    told = forward(model, text(96)[:, 48:], same)
    assert found.error < float((told - whole).square().mean() / whole.var())
    path = found.save(tmp_path)
    assert json.loads(path.read_text())["pairs"] == [list(pair) for pair in found.pairs]
    again = tuned_for(model, tmp_path)
    assert again.pairs == found.pairs == KVTuner(saved=str(path)).pairs
    with pytest.raises(InvalidInput, match="no such file"):
        tuned_for(tiny_llama(layers=1, seed=5), tmp_path)


def test_dominated_pairs_go_and_alike_layers_form_groups() -> None:
    errors = {(2, 2): 1.0, (2, 4): 1.2, (4, 2): 0.3, (4, 4): 0.3, (8, 8): 0.01}
    assert pruned(errors) == [(2, 2), (4, 2), (8, 8)]
    close = {pair: value * 1.01 for pair, value in errors.items()}
    far = {pair: value * 9 for pair, value in errors.items()}
    assert grouped_layers([errors, far, close]) == [[0, 2], [1]]


def test_widths_for_another_number_of_layers_are_refused() -> None:
    model = tiny_llama(layers=2)
    held = KVCache(model, Policy(compress=KVTuner(pairs=((4, 2),) * 3), window=4), 0.5)
    with pytest.raises(InvalidInput, match="3 layers"):
        forward(model, text(96), held)
