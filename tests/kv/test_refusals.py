"""Bad input gets a clear error, never garbled text."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.kv.models import forward, named, text, tiny_llama
from transformers import PreTrainedModel

from mnemon.errors import InvalidInput, UnknownName
from mnemon.kv import Budget, KVCache, Policy


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return tiny_llama()


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (0.0, "a fraction lies in"),
        (1.5, "a fraction lies in"),
        (-3, "at least one sink"),
        (1, "at least one sink"),
        (True, "give a fraction"),
        ("lots", "not a size"),
        ("0MB", "nothing can be kept"),
        (None, "give a fraction"),
    ],
)
def test_a_budget_that_is_none(budget: Any, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        Budget.of(budget)


def test_a_budget_below_sinks_and_window(model: PreTrainedModel) -> None:
    with pytest.raises(InvalidInput, match=r"below sinks \+ window \(4 \+ 32\)"):
        KVCache(model, "recency + sinks=4 + window=32", 20)
    cache = KVCache(model, "recency + sinks=4 + window=32", 0.1)
    with pytest.raises(InvalidInput, match="below sinks"):
        forward(model, text(100), cache)


def test_names_that_nobody_knows(model: PreTrainedModel) -> None:
    with pytest.raises(UnknownName, match="did you mean 'snapkv'"):
        KVCache(model, "snapvk", 0.5)
    with pytest.raises(UnknownName, match="no option 'windowsize'"):
        KVCache(model, "snapkv(windowsize=3)", 0.5)
    with pytest.raises(UnknownName, match="no setting 'sink'"):
        KVCache(model, "snapkv + sink=3", 0.5)
    with pytest.raises(InvalidInput, match="names two of 'score'"):
        KVCache(model, "snapkv + recency", 0.5)


def test_a_cache_of_another_model(model: PreTrainedModel) -> None:
    cache = KVCache(model, "recency", 0.5)
    other = tiny_llama(layers=2)
    with pytest.raises(InvalidInput, match="made for another model"):
        forward(other, text(20), cache)
    KVCache(other, "recency", 0.5)
    with pytest.raises(InvalidInput, match="made for another model"):
        forward(other, text(20), cache)


def test_padding_on_the_right(model: PreTrainedModel) -> None:
    mask = torch.ones(2, 20, dtype=torch.long)
    mask[0, 15:] = 0
    with pytest.raises(InvalidInput, match="padding_side = 'left'"):
        forward(model, text(20, batch=2), KVCache(model, "recency", 0.5), attention_mask=mask)


def test_a_second_generate_on_a_consumed_cache(model: PreTrainedModel) -> None:
    cache = KVCache(model, "recency", 0.5)
    told = {"max_new_tokens": 8, "do_sample": False, "pad_token_id": 0}
    model.generate(text(30), **named(model, cache), **told)
    with pytest.raises(InvalidInput, match="make a new KVCache"):
        model.generate(text(30), **named(model, cache), **told)
    assert int(cache.real[0]) == 37


def test_a_second_generate_with_another_padding(model: PreTrainedModel) -> None:
    cache = KVCache(model, "recency", 0.5)
    told = {"max_new_tokens": 4, "do_sample": False, "pad_token_id": 0}
    for skipped in (5, 9):
        mask = torch.ones(2, 30 + 5 * skipped, dtype=torch.long)
        mask[0, :skipped] = 0
        ids = text(mask.shape[1], batch=2, seed=skipped)
        if skipped == 5:
            model.generate(ids, attention_mask=mask, **named(model, cache), **told)
            continue
        cache.go_on()
        with pytest.raises(InvalidInput, match="other padding than this KVCache has seen"):
            model.generate(ids, attention_mask=mask, **named(model, cache), **told)


def test_another_batch_or_precision_on_the_way(model: PreTrainedModel) -> None:
    cache = KVCache(model, "recency", 0.5)
    forward(model, text(30), cache)
    with pytest.raises(InvalidInput, match="holds batch size 1, the model now gives 2"):
        forward(model, text(5, batch=2), cache)
    try:
        model.to(torch.bfloat16)
        with pytest.raises(InvalidInput, match="dtype"):
            forward(model, text(5), cache)
    finally:
        model.to(torch.float32)


def test_another_device_on_the_way() -> None:
    moved = tiny_llama()
    cache = KVCache(moved, "recency", 0.5)
    forward(moved, text(30), cache)
    moved.to("meta")
    with pytest.raises(InvalidInput, match="the cache is on cpu, and the new tokens are on meta"):
        forward(moved, text(5).to("meta"), cache)


def test_a_mask_or_positions_of_images(model: PreTrainedModel) -> None:
    cache = KVCache(model, "recency", 0.5)
    with pytest.raises(InvalidInput, match="two-dimensional attention mask, not one of shape"):
        forward(model, text(9), cache, attention_mask=torch.ones(1, 1, 9, 9))
    with pytest.raises(InvalidInput, match="as models have that see images"):
        forward(model, text(9), cache, position_ids=torch.arange(9).expand(3, 1, 9))


def test_what_is_no_model_of_transformers() -> None:
    with pytest.raises(InvalidInput, match="causal language models"):
        KVCache(torch.nn.Linear(2, 2), "recency", 0.5)  # type: ignore[arg-type]


def test_head_budgets_without_a_profile(
    model: PreTrainedModel, monkeypatch: Any, tmp_path: Any
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InvalidInput, match="measure_heads"):
        KVCache(model, "tangram", 0.5)


def test_a_policy_saved_by_another_version() -> None:
    saved = Policy.of("snapkv").to_json().replace('"version": 1', '"version": 9', 1)
    with pytest.raises(InvalidInput, match="version 9"):
        Policy.from_json(saved)


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (None, "give a text such as"),
        (3, "give a text such as"),
        ("", "write name"),
        ("snapkv +", "write name"),
        ("auto + window=8", "'auto' is a whole policy"),
        ("AdaKV", "did you mean 'ada-kv'"),
        ("snapkv + window=abc", "window='abc' is not a whole number"),
        ("snapkv + window=2.5", "window=2.5 is not a whole number"),
        ("snapkv + rerotate=perhaps", "rerotate='perhaps' is not true or false"),
        ("snapkv(window_size=many)", "snapkv: window_size='many' is not a whole number"),
        ("compactor(blending=much)", "compactor: blending='much' is not a number"),
        ("snapkv(window_size=0)", "snapkv: window_size=0 is no size"),
        ("compactor(chunk_size=-1)", "compactor: chunk_size=-1 is no size"),
        ({"scorer": "snapkv"}, "no setting 'scorer': did you mean 'score'"),
        ({"score": 3}, "score=3 is no kv.score method"),
        ({"compress": "snapkv"}, r"not one of kv\.compress"),
    ],
)
def test_what_is_no_policy(model: PreTrainedModel, policy: Any, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        KVCache(model, policy, 0.5)


@pytest.mark.parametrize("saved", ["snapkv", "[]", '{"scorer": null}', '{"window": "wide"}'])
def test_what_is_no_saved_policy(saved: str) -> None:
    with pytest.raises(InvalidInput):
        Policy.from_json(saved)
