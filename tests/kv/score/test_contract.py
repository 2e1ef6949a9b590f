"""What holds for every method of the slot `kv.score`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from mnemon import methods
from mnemon.kv import KVCache, Policy, compression
from mnemon.kv.view import LayerView

from ..models import forward, greedy, padded, text, tiny_llama
from ..profiles import keep

NAMES = methods.names("kv.score")
LONG = 72  # tokens of the prompt


@cache
def model() -> PreTrainedModel:
    return tiny_llama(hidden=32)


def scored(name: str, budget: float | int, passes: int = 1) -> tuple[Any, KVCache]:
    """The views that the method saw in a real forward, and its scores; the cache after it."""
    seen: list[tuple[LayerView, Tensor]] = []
    method = methods.find("kv.score", name)
    told = method.score

    def score(self: Any, view: LayerView) -> Tensor:
        seen.append((view, told(self, view)))
        return seen[-1][1]

    held = KVCache(model(), f"{name} + window=8 + block=8", budget)
    with mock.patch.object(method, "score", score):
        for start in range(passes):
            forward(model(), text(LONG, batch=2, seed=start), held)
    return seen, held


twice = cache(lambda name: scored(name, 40, passes=2))


@pytest.fixture(autouse=True)
def _profiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(model(), tmp_path, monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_one_for_each_token_and_head(name: str) -> None:
    seen, _ = twice(name)
    assert len(seen) == 6  # three layers, twice; then with the stored tokens in front
    assert {view.tokens for view, _ in seen} == {LONG, 40 + LONG} or name == "corm"
    for view, scores in seen:
        assert scores.shape == (2, 2, view.tokens)
        assert scores.dtype == torch.float32
        inside = scores[..., view.sinks : view.tokens - view.window]
        assert not inside.isnan().any() and (inside < float("inf")).all()
        assert (inside > float("-inf")).any()


@pytest.mark.parametrize("name", NAMES)
def test_heads_are_scored_together_only_if_so_declared(name: str) -> None:
    seen, _ = twice(name)
    alike = [torch.equal(scores[:, 0], scores[:, 1]) for _, scores in seen]
    by_place = ("recency", "lagkv")  # lagkv goes by place in so short a text
    assert all(alike) == (methods.find("kv.score", name).across_heads or name in by_place)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_text_gives_the_same_scores(name: str) -> None:
    again, _ = scored(name, 40)
    first = twice(name)[0][:3]
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(first, again, strict=True))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("budget", [0.5, 40])
def test_the_budget_is_kept_to_the_token(name: str, budget: float | int) -> None:
    seen, held = scored(name, budget)
    allowed = budget if isinstance(budget, int) else int(budget * LONG)
    for place, (_, scores) in enumerate(seen):
        wanted = scores[..., : LONG - 8] > float("-inf")  # corm lets go of more than it must
        wanted[..., :4] = True
        expected = wanted.sum(-1).clamp_max(allowed - 8) + 8
        assert held.lengths()[:, place].tolist() == expected.tolist()
    assert held.nbytes < held.full_nbytes


@pytest.mark.parametrize("name", NAMES)
def test_settings_survive_json(name: str) -> None:
    policy = Policy.of(name)
    assert Policy.from_json(policy.to_json()) == policy
    assert policy.question in ("agnostic", "aware")


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_budget_changes_nothing(name: str) -> None:
    prompt = text(40, batch=2)
    plain = greedy(model(), prompt, DynamicCache(config=model().config), steps=3)
    assert torch.equal(greedy(model(), prompt, KVCache(model(), name, 1.0), steps=3), plain)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_keeps_what_its_texts_alone_would(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Tensor] = []
    choose = compression.choose

    def noted(*args: Any) -> Tensor:
        chosen = choose(*args)
        kept.extend(chosen.unbind())  # of layers together
        return chosen

    monkeypatch.setattr(compression, "choose", noted)
    texts = [text(64, seed=1), text(50, seed=2)]
    policy = Policy.of(f"{name} + window=8")
    for one in texts:
        forward(model(), one, KVCache(model(), policy, 0.5))
    alone, kept[:] = kept[:], []
    ids, mask = padded(texts)
    forward(model(), ids, KVCache(model(), policy, 0.5), attention_mask=mask)
    assert len(kept) == len(alone) == 6
    assert all(torch.equal(a, b) for a, b in zip(alone, kept, strict=True))
