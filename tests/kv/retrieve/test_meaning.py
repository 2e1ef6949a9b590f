"""What each retrieve method is for: what it reads, how seldom it fetches, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from tests.kv.models import forward, text, tiny_llama
from tests.kv.profiles import profile
from tests.kv.views import view
from torch import Tensor

from mnemon.kv import KVCache
from mnemon.kv.retrieve import Step
from mnemon.kv.retrieve.delta_sparse_attention import DELTA
from mnemon.kv.retrieve.louiskv import LouisKV, clusters, means
from mnemon.kv.retrieve.lycheedecode import LycheeDecode
from mnemon.kv.retrieve.round_attention import RoundAttention

HEADS, CHANNELS = 2, 16


def _step(queries: Tensor, budget: int, tokens: int, **more: Any) -> Step:
    """A layer all of whose heads are elsewhere, unless `more` says otherwise."""
    given = {"place": 0, "layers": 1, "index": {}, "heads": (0, 1), "whole": (), "scaling": 1.0}
    return Step(queries=queries, budget=budget, tokens=tokens, kv_heads=HEADS, **(given | more))


def _whole(keys: Tensor, queries: Tensor, budget: int, **more: Any) -> Step:
    """A layer all of whose heads are resident: its candidates' keys and no others."""
    seen = torch.ones(1, 1, 1, queries.shape[2], keys.shape[2], dtype=torch.bool)
    given = {"heads": (), "whole": (0, 1), "keys": keys, "seen": seen}
    return _step(queries, budget, keys.shape[2], **(given | more))


def _topics(count: int, tokens: int) -> tuple[Tensor, Tensor]:
    """Keys `[1, H, N, D]` around topics that come and go, and the topics `[count, D]`."""
    topics = torch.randn(count, CHANNELS) * 2
    which = (torch.arange(tokens) // 8) % count
    return (topics[which] + torch.randn(HEADS, tokens, CHANNELS) * 0.4)[None], topics


def _seen(keys: Tensor) -> Any:
    """A view whose candidates have these keys, and a window of one token."""
    padded = torch.cat([keys, keys[:, :, :1]], 2)
    return replace(view(), keys=padded, values=padded, window=1, sinks=0, queries=None)


def _decode(method: LouisKV, index: Mapping[str, Tensor], keys: Tensor, asked: Tensor) -> Any:
    """The share of attention that a trace of queries recovers, retrievals, and new entries."""
    state: dict[str, Any] = {}
    before, changes, moved, recovered = None, 0, 0, []
    for query in asked:
        picked = method.select(_step(query, 48, keys.shape[2], index=index), state)
        if before is None or not torch.equal(before, picked):
            changes += 1
            moved += sum(
                len(set(new.tolist()) - set(() if before is None else before[0, head].tolist()))
                for head, new in enumerate(picked[0])
            )
        before = picked
        weights = (query[:, :, 0][..., None, :] @ keys.transpose(-1, -2)).softmax(-1)[:, :, 0]
        recovered.append(float(weights.gather(-1, picked).sum(-1).mean()))
    return sum(recovered) / len(recovered), changes, moved


def test_louiskv_recovers_what_retrieval_at_every_token_does_with_a_few_retrievals() -> None:
    keys, topics = _topics(6, 384)
    lasting = topics.repeat_interleave(12, 0)[:, None, None, None].expand(-1, 1, HEADS, 1, -1)
    asked = lasting + torch.randn(72, 1, HEADS, 1, CHANNELS) * 0.3
    index = LouisKV().index(_seen(keys), {})
    often = _decode(LouisKV(threshold=2.0), index, keys, asked)
    seldom = _decode(LouisKV(), index, keys, asked)
    assert often[0] > 0.5
    assert seldom[0] > often[0] - 0.02
    assert seldom[1] * 4 < often[1]
    assert seldom[2] < often[2]


def test_louiskv_clusters_tokens_that_are_alike() -> None:
    keys, _ = _topics(4, 128)
    unit = clusters(keys, 32, 8)
    centroids = means(keys, unit, 4)
    spread = (keys - centroids.gather(2, unit[..., None].expand_as(keys))).norm(dim=-1).mean()
    assert float(spread) < 0.5 * float((keys - keys.mean(2, keepdim=True)).norm(dim=-1).mean())


def test_louiskv_cuts_later_tokens_into_segments_after_the_clusters() -> None:
    method = LouisKV(cluster_size=8, segment_size=4)
    first, later = (torch.randn(1, HEADS, count, CHANNELS) for count in (32, 10))
    index = method.index(_seen(later), method.index(_seen(first), {}))
    assert index["unit"].shape == (1, HEADS, 42)
    assert index["unit"][0, 0, 32:].tolist() == [4, 4, 4, 4, 5, 5, 5, 5, 6, 6]
    assert torch.allclose(index["centroids"][:, :, 4], later[:, :, :4].mean(2))


def test_round_attention_fetches_the_rounds_that_are_asked_for_whole() -> None:
    keys = torch.randn(1, HEADS, 60, CHANNELS) * 0.1
    rounds = (torch.arange(60) // 12)[None].int()
    keys[:, :, 24:36] += 1.0
    question = torch.ones(1, HEADS, 3, CHANNELS)
    method, state = RoundAttention(watershed=0.0), {}
    step = _whole(keys, question, 30, layers=2, index={"rounds": rounds})
    assert method.select(step, state) is None
    upper = _step(question, 30, 60, place=1, layers=2)
    picked = method.select(upper, state)
    assert picked is not None
    assert set(range(24, 36)) < set(picked[0, 0].tolist())
    taken = rounds[0, picked[0, 0]].bincount(minlength=5)
    assert set(taken.tolist()) == {0, 12}
    assert torch.equal(picked[0, 0], picked[0, 1])


def test_round_attention_decides_once_a_turn() -> None:
    model = tiny_llama(layers=4)
    cache = KVCache(model, "round-attention(watershed=0.25) + window=4 + block=64", 0.5)
    for seed in range(4):
        forward(model, text(30, seed=seed), cache)
    counted = []
    for seed in range(12):
        forward(model, text(1, seed=seed), cache)
        counted.append(cache.fetches)
    assert counted[0] > 0
    assert len(set(counted)) == 1
    forward(model, text(10, seed=9), cache)
    assert cache.fetches > counted[-1]


def test_round_attention_tells_rounds_by_a_separator() -> None:
    model = tiny_llama(layers=4)
    policy = "round-attention(watershed=0.25, separator=5) + window=4 + sinks=0"
    ids = text(60).masked_fill(text(60) == 5, 6)
    ids[0, [20, 40]] = 5
    cache = KVCache(model, policy, 0.5)
    forward(model, ids, cache)
    assert cache.elsewhere is not None
    (group,) = cache.elsewhere.groups
    assert group.layers[1].index["rounds"].unique(return_counts=True)[1].tolist() == [20, 20, 16]


def test_delta_reads_what_its_selection_layer_attends_to() -> None:
    keys = torch.randn(1, HEADS, 40, CHANNELS)
    asked, state = keys[:, :, 7:8] * 3 + keys[:, :, 21:22] * 3, {}
    method = DELTA(full_layers=0, delta_layers=1)
    step = _whole(keys, asked, 4, layers=3)
    assert method.select(step, state) is None
    summed = step.attention().sum((1, 2, 3))[0]
    for place in (1, 2):
        picked = method.select(_step(asked, 4, 40, place=place, layers=3), state)
        assert picked is not None
        assert set(picked[0, 1].tolist()) == set(summed.topk(4).indices.tolist())
    assert {7, 21} <= set(summed.topk(4).indices.tolist())


def test_delta_is_nearer_to_full_attention_than_eviction_at_the_same_budget() -> None:
    model = tiny_llama(layers=6)
    start, rest = text(120), text(12, seed=1)
    more = " + window=8 + block=8"

    def logits(policy: str, budget: float) -> Tensor:
        cache = KVCache(model, policy + more, budget)
        forward(model, start, cache)
        return torch.cat([forward(model, rest[:, i : i + 1], cache) for i in range(12)], 1)

    full = logits("recency", 1.0)
    far = {
        policy: float((logits(policy, 0.2) - full).norm())
        for policy in ("recency", "snapkv", "delta-sparse-attention(full_layers=1,delta_layers=2)")
    }
    delta = far.pop("delta-sparse-attention(full_layers=1,delta_layers=2)")
    assert delta < min(far.values())


def test_lycheedecode_keeps_the_heads_apart_and_errs_less_than_one_choice_for_a_layer() -> None:
    keys = torch.randn(1, HEADS, 64, CHANNELS)
    asked = torch.stack([keys[:, 0, 3] + keys[:, 0, 11], keys[:, 1, 40] + keys[:, 1, 52]], 1)
    asked, state = asked[:, :, None] * 0.3, {}
    LycheeDecode().select(_whole(keys, asked, 4, layers=2), state)
    own = LycheeDecode().select(_step(asked, 4, 64, place=1, layers=2), state)
    DELTA(0, 1).select(_whole(keys, asked, 4, layers=2), state)
    shared = DELTA(0, 1).select(_step(asked, 4, 64, place=1, layers=2), state)
    assert own is not None
    assert shared is not None
    weights = (asked @ keys.transpose(-1, -2)).softmax(-1)[:, :, 0]
    assert {3, 11} <= set(own[0, 0].tolist())
    assert {40, 52} <= set(own[0, 1].tolist())
    assert float(weights.gather(-1, own).sum()) > float(weights.gather(-1, shared).sum())


def test_lycheedecode_passes_a_choice_on_until_a_retrieval_head_makes_another() -> None:
    method, state = LycheeDecode(), {}
    first, second = (torch.randn(1, HEADS, 32, CHANNELS) for _ in range(2))
    asked = torch.randn(1, HEADS, 1, CHANNELS)
    method.select(_whole(first, asked, 3, layers=3), state)
    start = state["published"]
    middle = _whole(second[:, 1:], asked, 3, place=1, layers=3, whole=(1,), heads=(0,))
    picked = method.select(middle, state)
    assert picked is not None
    assert torch.equal(picked[:, 0], start[:, 0])
    last = method.select(_step(asked, 3, 32, place=2, layers=3), state)
    assert last is not None
    assert torch.equal(last[:, 0], start[:, 0])
    assert torch.equal(last[:, 1], state["published"][:, 1])
    best = (asked[:, 1] @ second[:, 1].transpose(-1, -2))[:, 0].topk(3).indices
    assert set(last[0, 1].tolist()) == set(best[0].tolist())


def test_lycheedecode_takes_its_retrieval_heads_from_the_profile() -> None:
    layers = [replace(view(place, 5), profile=profile(5, 2)) for place in range(5)]
    roles = torch.stack([LycheeDecode(retrieval=0.25).whole(one) for one in layers])
    assert roles.tolist() == [[True, True], *[[False, False]] * 3, [True, True]]
