"""What scorers that look at keys and values alone mean."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mnemon.kv import KVCache
from mnemon.kv.score.compactor import Compactor
from mnemon.kv.score.keydiff import KeyDiff
from mnemon.kv.score.l2_norm_kv import L2Norm
from mnemon.kv.score.lagkv import LagKV
from mnemon.kv.score.leverage import Leverage
from mnemon.kv.score.random import Random
from mnemon.kv.score.recency import StreamingLLM

from ..models import forward, text, tiny_llama
from .layers import layer, noise


def test_recency_keeps_the_newest() -> None:
    assert StreamingLLM().score(layer(noise(2, 9, 4))).argsort(-1)[0].tolist() == [[*range(9)]] * 2


def test_short_keys_are_kept_but_for_the_first_layers() -> None:
    keys = noise(1, 30, 8)
    lengths = keys[0].norm(dim=-1)
    scores = L2Norm().score(layer(keys, place=2))[0, 0]
    assert scores.argmax() == lengths.argmin() and scores.argmin() == lengths.argmax()
    assert L2Norm().score(layer(keys, place=1)).argmax() == 29


def test_keydiff_keeps_the_key_unlike_the_others() -> None:
    keys = torch.ones(1, 40, 8) + 0.1 * noise(1, 40, 8)
    keys[0, 17] = torch.tensor([1.0, -1.0] * 4)
    scores = KeyDiff().score(layer(keys))[0, 0]
    assert scores.argmax() == 17
    assert torch.allclose(KeyDiff().score(layer(9 * keys))[0, 0], scores, atol=1e-5)


def test_lagkv_keeps_what_stands_out_in_its_partition_and_the_last_one() -> None:
    keys = noise(1, 40, 16)
    keys[0, 13] *= 20
    scores = LagKV(lag_size=10).score(layer(keys))[0, 0]
    assert scores[10:20].argmax() == 3
    assert (scores[30:] == 1).all() and scores[:30].max() < 1
    assert sorted(scores[:10].tolist()) == sorted(scores[20:30].tolist())  # ranks, by partition


def test_lagkv_survives_channels_that_do_not_vary() -> None:
    keys = noise(1, 40, 16)
    keys[..., 3] = 0.5
    assert LagKV(lag_size=10).score(layer(keys)).isfinite().all()


def test_leverage_of_a_full_sketch_is_exact() -> None:
    keys = noise(2, 60, 8)
    centred = keys - keys.mean(1, keepdim=True)
    hat = centred @ torch.linalg.pinv(centred)
    scores = Leverage().score(layer(keys, turned=True))[0]
    assert torch.allclose(scores, hat.diagonal(dim1=1, dim2=2), atol=5e-3)


def test_leverage_finds_the_direction_that_no_other_key_has() -> None:
    keys = noise(1, 200, 16) * torch.tensor([1.0] * 15 + [1e-3])
    keys[0, 120, 15] = 1.0
    scores = Leverage().score(layer(keys, turned=True))[0, 0]
    assert scores.argmax() == 120 and scores[120] > 0.9
    keys[0, 40] = keys[0, 120]  # two that can stand for each other matter half as much
    shared = Leverage().score(layer(keys, turned=True))[0, 0]
    assert shared[120] < 0.6


def test_compactor_looks_both_ways_inside_a_chunk_and_not_beyond() -> None:
    keys = torch.eye(40)[None]
    queries = 0.01 * torch.ones(1, 40, 40)
    queries[0, 2] = 8 * keys[0, 7]  # an early token looks ahead, inside its chunk of ten
    queries[0, 33] = 8 * keys[0, 15]  # one looks back, but beyond its chunk
    view = replace(layer(keys, queries), values=torch.ones(1, 1, 40, 4))
    scores = Compactor(chunk_size=10, blending=0.0).score(view)[0, 0]
    assert 6 <= scores.argmax() <= 8 and scores[7] > scores[15] + 1


def test_compactor_leans_on_leverage_the_more_is_dropped() -> None:
    view = layer(noise(1, 60, 16), noise(1, 60, 16, seed=2), turned=True)
    lean, wide = (Compactor().score(replace(view, room=room)) for room in (0.1, 0.5))
    assert torch.equal(lean, Compactor(blending=0.9).score(view))
    assert torch.equal(wide, Compactor(blending=0.5).score(view))


@pytest.mark.parametrize("padded", [False, True])
def test_compactor_takes_chunks_together_or_one_by_one(
    monkeypatch: pytest.MonkeyPatch, padded: bool
) -> None:
    view = layer(noise(2, 75, 6), noise(4, 60, 6, seed=7), sinks=2)
    if padded:
        present = torch.ones(1, 2, 75, dtype=torch.bool)
        present[0, 1, 33:38] = False
        view = replace(view, present=present)
    together = Compactor(chunk_size=8, blending=0.0).score(view)
    monkeypatch.setattr("mnemon.kv.score.compactor.MOST", 0)
    torch.testing.assert_close(together, Compactor(chunk_size=8, blending=0.0).score(view))


def test_compactor_judges_stored_tokens_by_the_queries_there_are() -> None:
    keys = torch.eye(30)[None]
    view = replace(layer(keys, 8 * keys[:, [4, 4, 4]]), values=torch.ones(1, 1, 30, 4))
    scores = Compactor(chunk_size=2, blending=0.0).score(view)[0, 0]
    assert 3 <= scores.argmax() <= 5


def test_random_samples_a_long_text_evenly() -> None:
    model = tiny_llama(hidden=32)
    held = KVCache(model, "random + window=8 + sinks=0", 72)
    for step in range(8):
        forward(model, text(64, seed=step), held)
    drawn = torch.cat([store.meta["scores"] for one in held.compressed for store in one.stores])
    assert drawn.min() > 0.8  # 64 of 504 stay: the largest eighth of all numbers drawn


def test_random_depends_on_its_seed() -> None:
    view = layer(noise(1, 9, 4))
    assert torch.equal(Random().score(view), Random().score(view))
    assert not torch.equal(Random().score(view), Random(seed=1).score(view))
