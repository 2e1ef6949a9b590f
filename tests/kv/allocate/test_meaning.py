"""What each allocator is for: which layers and heads it favours, and what that saves."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.kv.views import scores, view
from torch import Tensor

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv import Policy
from mnemon.kv.allocate.compress_kv import CompressKV
from mnemon.kv.allocate.prefixkv import share_before
from mnemon.kv.apportion import apportion
from mnemon.kv.compression import choose
from mnemon.kv.profile import HeadProfile
from mnemon.kv.score.semantic_retrieval_heads import SemanticRetrievalHeads
from mnemon.kv.view import LayerView

TOTAL = 120  # 20 tokens a head of 3 layers and 2 heads


def _layers(*sharpness: float, **shape: int) -> list[LayerView]:
    count = len(sharpness)
    return [view(i, count, sharpness=sharp, **shape) for i, sharp in enumerate(sharpness)]


def _counts(name: str, seen: list[LayerView], total: int = TOTAL, **options: float) -> Tensor:
    return methods.load("kv.allocate", name, **options).allocate(seen, scores(seen), total)


def _attention_kept(seen: LayerView, counts: Tensor) -> float:
    """The share of the newest queries' attention that stays, window included."""
    (score,) = scores([seen])
    kept = choose(score, counts)
    weights = seen.by_key_head(seen.attention().mean(2))
    lost = weights[..., : kept.shape[-1]].masked_fill(kept, 0.0).sum(-1).mean()
    return 1.0 - float(lost)


def _errors(seen: list[LayerView], counts: Tensor) -> list[float]:
    """Each layer's relative output error under the counts of a rectangular allocator."""
    measure = CompressKV().error
    return [
        float(measure(one, score, int(counts[0, place, 0])))
        for place, (one, score) in enumerate(zip(seen, scores(seen), strict=True))
    ]


def test_pyramid_falls_in_even_steps_to_a_beta_th_of_the_mean() -> None:
    seen = _layers(1, 1, 1, 1, 1, tokens=308)
    counts = _counts("pyramid", seen, 5 * 2 * 100)[0, :, 0]
    assert counts.tolist() == [195, 148, 100, 52, 5]


def test_pyramid_that_would_exceed_the_text_is_less_steep() -> None:
    counts = _counts("pyramid", _layers(1, 1, 1), 3 * 2 * 40)[0, :, 0]
    assert counts.tolist() == [64, 40, 16]


def test_cake_gives_more_to_layers_that_are_spread_and_to_layers_that_move() -> None:
    still, moving = view(0, 2), view(0, 2)
    assert still.queries is not None
    still = replace(still, queries=still.queries[:, :, :1].expand(-1, -1, 8, -1).contiguous())
    assert _counts("cake", [still, moving], 80)[0, :, 0].tolist() == [2, 38]
    entropy_alone = _counts("cake", _layers(0.5, 8.0), 80, tau1=0.5, tau2=1e9)[0, :, 0]
    assert entropy_alone[0] > 2 * entropy_alone[1]


def test_cake_shares_out_in_a_cascade_as_at_once() -> None:
    seen, method = _layers(0.5, 1, 2, 4), methods.load("kv.allocate", "cake")
    once = method.allocate(seen, scores(seen), 160)[0, :, 0]
    logs = torch.cat([method.preference(one) for one in seen])
    sizes = torch.full((4,), 64)
    for stage in range(1, 5):  # after each layer, those so far share the whole budget anew
        shared = apportion((logs[:stage] - logs.max()).exp(), 80, 64, floor=2)
        assert bool((shared <= sizes[:stage] + 1).all())  # evicted from, never filled again
        sizes[:stage] = shared
    assert torch.equal(sizes, once)


def test_prefixkv_cuts_every_layer_at_one_share_of_importance() -> None:
    seen = _layers(0.3, 2, 6)
    counts = _counts("prefixkv", seen)
    assert int(counts.sum()) == TOTAL
    before = [share_before(score)[0] for score in scores(seen)]
    sizes = counts[0, :, 0].tolist()
    share = max(float(curve[size - 1]) for curve, size in zip(before, sizes, strict=True))
    for curve, size in zip(before, sizes, strict=True):
        assert float(curve[size]) >= share  # one token more would pass the common share
    assert sizes[0] > sizes[1] > sizes[2]


@pytest.mark.parametrize(
    ("name", "sharpness"),
    [
        ("prefixkv", (0.2, 1.5, 6.0)),
        ("zigzagkv", (0.2, 1.5, 6.0)),
        ("d2o-layers", (0.2, 1.5, 6.0)),
        ("kvcompose", (0.2, 1.5, 6.0)),
        ("compress-kv", (0.2, 0.8, 1.5)),
    ],
)
def test_layers_that_need_more_get_more_and_the_worst_error_is_below_that_of_equal_layers(
    name: str, sharpness: tuple[float, ...]
) -> None:
    seen = _layers(*sharpness)
    counts, even = _counts(name, seen), _counts("uniform", seen)
    assert counts[0, 0, 0] > counts[0, 2, 0]
    assert max(_errors(seen, counts)) < max(_errors(seen, even))


def test_zigzagkv_leaves_the_neediest_layer_with_more_attention_than_others_do() -> None:
    seen = _layers(6.0, 1.5, 0.2)
    kept = {
        name: min(
            _attention_kept(one, counts)
            for one, counts in zip(seen, _counts(name, seen).unbind(1), strict=True)
        )
        for name in ("zigzagkv", "uniform", "pyramid")
    }
    assert kept["zigzagkv"] > kept["uniform"] > kept["pyramid"]
    assert int(_counts("zigzagkv", seen).sum()) == TOTAL


def test_zigzagkv_gives_every_layer_its_minimum() -> None:
    counts = _counts("zigzagkv", _layers(0.0, 20.0, 20.0), TOTAL, minimum=0.5)
    assert int(counts.min()) >= 10


def _one_sharp_head() -> LayerView:
    """A layer whose first head attends to few tokens and whose second spreads."""
    seen = view(0, 1, sharpness=1.0)
    assert seen.queries is not None
    queries = seen.queries.clone()
    queries[:, :2] *= 6.0
    queries[:, 2:] *= 0.3
    return replace(seen, queries=queries)


def test_ada_kv_keeps_more_attention_in_a_layer_than_equal_heads() -> None:
    layer = _one_sharp_head()
    adaptive, even = _counts("ada-kv", [layer], 40), _counts("uniform", [layer], 40)
    assert adaptive.sum() == even.sum() == 40
    assert adaptive[0, 0, 0] != adaptive[0, 0, 1]
    assert _attention_kept(layer, adaptive[:, 0]) > _attention_kept(layer, even[:, 0])


def test_ada_kv_safeguards_every_head() -> None:
    layer = _one_sharp_head()
    assert int(_counts("ada-kv", [layer], 40, alpha=0.2).min()) >= 4
    assert _counts("ada-kv", [layer], 40, alpha=1.0).tolist() == [[[20, 20]]]
    assert _counts("ada-kv", [layer], 40, alpha=0.0).tolist() == [[[13, 27]]]
    assert _counts("ada-kv", [layer], 40, alpha=0.5).tolist() == [[[17, 23]]]


def test_ada_kv_refuses_a_scorer_that_keeps_the_same_tokens_in_all_heads() -> None:
    with pytest.raises(InvalidInput, match="choose one or the other"):
        Policy.of("semantic-retrieval-heads + ada-kv")


def test_kvcompose_keeps_the_best_composites_of_all_layers() -> None:
    seen = _layers(0.3, 2, 6)
    sizes = _counts("kvcompose", seen)[0, :, 0].tolist()
    ranked = [score.sort(-1, descending=True).values.mean(1)[0] for score in scores(seen)]
    worst_kept = min(float(row[size - 1]) for row, size in zip(ranked, sizes, strict=True))
    best_dropped = max(float(row[size]) for row, size in zip(ranked, sizes, strict=True))
    assert worst_kept >= best_dropped


def test_kvcompose_keeps_more_attention_than_positions_shared_by_the_heads() -> None:
    layer = view(0, 1, sharpness=3.0)
    counts = _counts("kvcompose", [layer], 40)[:, 0]
    (own,) = scores([layer])
    shared = choose(own.mean(1, keepdim=True).expand_as(own), counts)
    weights = layer.by_key_head(layer.attention().mean(2))[..., : own.shape[-1]]
    in_shared = float((weights * shared).sum())
    assert float((weights * choose(own, counts)).sum()) > in_shared


def test_compress_kv_gives_the_least_to_a_layer_that_loses_nothing() -> None:
    seen = _layers(1.0, 1.0)
    found = scores(seen)
    silent = replace(seen[1], values=seen[1].values.clone())
    silent.values[:, :, :] = silent.values[:, :, :1]  # any token tells the same
    counts = CompressKV().allocate([seen[0], silent], found, 80)
    assert counts[0, :, 0].tolist() == [36, 4]


def test_only_the_retrieval_heads_rank_tokens_and_for_all_heads() -> None:
    layer = replace(view(0, 1), profile=HeadProfile("", ((0.5, 1.0),), ""))
    found = SemanticRetrievalHeads(kernel_size=1).score(layer)
    attention = layer.by_key_head(layer.attention(8).mean(2))
    assert torch.allclose(found[:, 0], attention[:, 1])
    assert torch.equal(found[:, 0], found[:, 1])


def test_tangram_fills_the_most_far_sighted_heads_first() -> None:
    assert _counts("tangram", _layers(1, 1), 150).tolist() == [[[2, 20], [64, 64]]]
