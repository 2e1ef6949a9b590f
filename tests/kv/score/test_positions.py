"""What scorers that foresee queries by rotary embedding mean."""

from __future__ import annotations

import torch

from mnemon.kv import seam
from mnemon.kv.score._standard import standardized
from mnemon.kv.score.expected_attention import ExpectedAttention
from mnemon.kv.score.triattention import TriAttention

from ..models import tiny_llama
from .layers import layer, noise, rope


def test_triattention_is_the_mean_over_distances_of_the_mean_query() -> None:
    keys, queries = noise(1, 40, 8), noise(2, 40, 8, seed=2) + 1
    view = layer(keys, queries, turned=True)
    turn, centre = rope(8), queries.mean(1, keepdim=True)[None]
    ahead = [1, 2, 4, 8, 16]
    dots = [(turn.rotate(centre, torch.tensor([[39 + one]])) * view.keys).sum(-1) for one in ahead]
    pairs = torch.complex(queries[..., :4], queries[..., 4:])
    unexplained = pairs.abs().mean(1) - pairs.mean(1).abs()
    lengths = torch.complex(keys[..., :4], keys[..., 4:]).abs()
    scores = torch.stack(dots).mean(0)[0] + (unexplained[:, None] * lengths).sum(-1)
    each = standardized(scores, torch.tensor(True), -1)
    told = TriAttention(offset_max_length=16).score(view)[0, 0]
    assert torch.allclose(told, each.amax(0), atol=1e-3)


def test_triattention_keeps_keys_at_the_distance_that_the_centre_prefers() -> None:
    """The same key everywhere: only distance tells. A centre equal to it prefers to be near."""
    keys = torch.ones(1, 60, 2)
    scores = TriAttention(offset_max_length=1).score(layer(keys, keys[:, -9:], turned=True))
    assert scores[0, 0, -3:].diff().gt(0).all()  # one radian a token: cos 3 < cos 2 < cos 1
    still = TriAttention(disable_trig=True).score(layer(keys, keys[:, -9:], turned=True))
    assert torch.allclose(still[0, 0], still[0, 0, :1].expand(60), atol=1e-3)


def test_expected_attention_is_the_attention_of_queries_that_are_all_alike() -> None:
    query, keys = noise(1, 1, 8, seed=5), noise(1, 30, 8)
    view = layer(keys, query.expand(1, 30, 8), turned=True)
    told = ExpectedAttention(n_future_positions=1, use_vnorm=False).score(view)[0, 0]
    coming = rope(8).rotate(query[None], torch.tensor([[30]]))
    expected = (coming @ view.keys.transpose(2, 3)).softmax(-1)[0, 0, 0]
    assert torch.allclose(told, expected, atol=1e-4)


def test_expected_attention_foresees_spread_and_counts_values() -> None:
    keys = torch.zeros(1, 20, 8)
    keys[0, 4] = 1.0
    view = layer(keys, noise(1, 20, 8, seed=3) * 3, turned=True)
    wide = ExpectedAttention(use_vnorm=False).score(view)[0, 0]
    mean = ExpectedAttention(use_vnorm=False, use_covariance=False).score(view)[0, 0]
    assert wide[4] > mean[4]
    valued = ExpectedAttention().score(view)[0, 0]
    assert torch.allclose(valued, wide * view.values[0, 0].norm(dim=-1))


def test_angles_do_not_lose_precision_with_the_model() -> None:
    whole, half = tiny_llama(), tiny_llama()
    for weight in half.parameters():
        weight.data = weight.data.to(torch.bfloat16)
    assert half.dtype == torch.bfloat16
    speeds = [seam.rope(one, 0).frequencies(torch.device("cpu")) for one in (whole, half)]
    assert torch.allclose(speeds[0], speeds[1], rtol=1e-5)
    assert torch.allclose(speeds[0], 10000.0 ** (-torch.arange(8) / 8), rtol=1e-4)
