"""What scorers that look at attention weights mean."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mnemon.kv import KVCache
from mnemon.kv.score.corm import CORM
from mnemon.kv.score.h2o import H2O
from mnemon.kv.score.scissorhands import Scissorhands
from mnemon.kv.score.snapkv import SnapKV
from mnemon.kv.score.tova import TOVA
from mnemon.kv.view import LayerView

from ..models import forward, text, tiny_llama
from .layers import layer, noise


def attended(view: LayerView) -> Tensor:
    """The attention matrix by its formula: `[Hq, Q, T]`."""
    assert view.queries is not None
    asked, tokens = view.queries[0], view.tokens
    keys = view.keys[0].repeat_interleave(view.groups, 0)
    logits = asked @ keys.transpose(1, 2) * view.scaling
    later = torch.arange(tokens) > torch.arange(tokens - asked.shape[1], tokens)[:, None]
    return logits.masked_fill(later, float("-inf")).softmax(-1)


def pointing(at: list[int], tokens: int = 20) -> LayerView:
    """The newest queries look, one after another, at these tokens and nearly nowhere else."""
    keys = torch.eye(tokens)[None]
    return layer(keys, 8 * keys[:, at], window=len(at))


def test_attention_block_by_block_is_attention() -> None:
    view = layer(noise(2, 50, 8), noise(4, 30, 8, seed=2))
    assert torch.allclose(view.attention()[0], attended(view), atol=1e-6)
    blocks = torch.cat(list(view.attention_blocks(size=7)), 2)
    assert torch.allclose(blocks, view.attention(), atol=1e-6)
    newest = torch.cat(list(view.attention_blocks(9, size=4)), 2)
    assert torch.allclose(newest, view.attention(9), atol=1e-6)


def test_h2o_sums_what_all_queries_gave() -> None:
    view = layer(noise(2, 300, 8), noise(4, 300, 8, seed=2))
    expected = attended(view).sum(1).reshape(2, 2, 300).mean(1)
    assert torch.allclose(H2O().score(view)[0], expected, atol=1e-4)


def test_h2o_goes_on_from_the_sums_of_stored_tokens() -> None:
    view = layer(noise(1, 10, 8), noise(1, 4, 8, seed=2))
    before = torch.tensor([[[5.0] * 6 + [float("nan")] * 4]])
    alone = H2O().score(view)
    more = H2O().score(replace(view, before=before)) - alone
    assert torch.allclose(more, torch.tensor([5.0] * 6 + [0.0] * 4))


def test_h2o_begins_anew_with_what_was_stored_without_a_choice() -> None:
    model = tiny_llama(hidden=32, head_dim=32)
    held = KVCache(model, "h2o + kivi(bits=8) + window=8 + block=8", 64)
    forward(model, text(80), held)  # 8 bits: all of it fits
    assert held.lengths().unique().tolist() == [80]
    forward(model, text(80, seed=1), held)
    assert 80 <= held.lengths().max() < 160


def test_tova_asks_the_newest_query_alone_and_for_all_heads() -> None:
    assert TOVA().score(pointing([3, 3, 3, 7])).argmax() == 7
    keys = noise(2, 30, 8)
    scores = TOVA().score(layer(keys, noise(4, 1, 8, seed=3)))
    expected = attended(layer(keys, noise(4, 1, 8, seed=3))).mean((0, 1))
    assert torch.allclose(scores[0], expected.expand(2, -1), atol=1e-6)


def test_scissorhands_prefers_what_stays_important_to_a_single_peak() -> None:
    scores = Scissorhands(window_size=4).score(pointing([3, 3, 3, 7]))[0, 0]
    assert scores[:16].topk(2).indices.tolist() == [3, 7]
    assert scores[3] == pytest.approx(0.75, abs=1e-3) and scores[7] == pytest.approx(0.25, abs=1e-3)


def test_scissorhands_is_the_share_of_the_queries_that_see_a_token() -> None:
    view = layer(noise(1, 40, 8), 2 * noise(1, 25, 8, seed=2))
    weights = attended(view)[0]
    high, seen = torch.zeros(40), torch.zeros(40)
    for query, row in enumerate(weights):
        visible = 40 - 25 + query + 1
        high += row >= 1 / visible
        seen[:visible] += 1
    scores = Scissorhands().score(view)[0, 0]
    assert torch.allclose(scores, high / seen + 1e-3 * weights.mean(0), atol=1e-5)


def test_corm_lets_go_of_what_no_recent_query_needs() -> None:
    scores = CORM(window_size=3).score(pointing([5, 3, 3, 7]))[0, 0]
    assert (scores[:16] > float("-inf")).nonzero().flatten().tolist() == [3, 7]
    assert scores[3] > scores[7]


def test_corm_keeps_as_much_as_each_head_needs_at_most_the_budget() -> None:
    model = tiny_llama(hidden=32)
    held = KVCache(model, "corm(window_size=1) + window=4 + sinks=0", 0.9)
    forward(model, text(100), held)
    kept = held.lengths().flatten()
    assert kept.max() < 90 and len(kept.unique()) > 1


@pytest.mark.parametrize(("kernel", "best"), [(1, [9]), (5, [7, 8, 9, 10, 11])])
def test_snapkv_keeps_the_neighbours_of_what_is_looked_at(kernel: int, best: list[int]) -> None:
    scores = SnapKV(window_size=4, kernel_size=kernel).score(pointing([9, 9, 9, 9]))[0, 0]
    assert sorted(scores[:16].topk(len(best)).indices.tolist()) == best


def test_snapkv_gives_nothing_for_standing_before_the_window() -> None:
    scores = SnapKV(window_size=4).score(pointing([16, 16, 16, 16]))[0, 0]
    assert scores[:16].max() < 0.01
