"""What a user of KVCache notices: bytes, budgets, positions, the ways to call a model."""

from __future__ import annotations

import copy
import gc
from typing import Any

import pytest
import torch
from tests.kv.models import forward, greedy, named, padded, text, tiny_llama
from transformers import PreTrainedModel

from mnemon.errors import InvalidInput
from mnemon.kv import KVCache, compressing

TOKEN = 3 * 2 * 2 * 16 * 4  # layers, key-value heads, keys and values, channels, bytes


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return tiny_llama()


@pytest.mark.parametrize("budget", [0.5, 0.25, 64, "40KB"])
def test_the_prompt_is_cut_to_its_budget_and_the_bytes_are_gone(
    model: PreTrainedModel, budget: Any
) -> None:
    cache = KVCache(model, "recency", budget)
    forward(model, text(256), cache)
    allowed = {0.5: 128, 0.25: 64, 64: 64, "40KB": 40_000 // TOKEN}[budget]
    assert cache.lengths().unique().tolist() == [allowed]
    assert cache.full_nbytes == 256 * TOKEN
    held = sum(one.numel() * 4 for layer in cache.compressed for one in layer.tensors())
    assert held == allowed * TOKEN
    assert held <= cache.nbytes <= held + 256  # and the positions of the tail


@pytest.mark.parametrize("budget", [0.25, 80])
def test_while_decoding_it_holds_at_most_a_block_more(
    model: PreTrainedModel, budget: float
) -> None:
    cache = KVCache(model, "recency + block=16", budget)
    ids = text(120)
    forward(model, ids, cache)
    for step in range(100):
        forward(model, ids[:, step % 120 : step % 120 + 1], cache)
        allowed = budget if budget > 1 else budget * (121 + step)
        assert cache.lengths().max() <= allowed + 16


def test_context_then_question_then_single_tokens_equals_one_pass(model: PreTrainedModel) -> None:
    ids = text(90)
    whole = forward(model, ids, KVCache(model, "recency", 1.0))
    parts = KVCache(model, "recency", 1.0)
    steps = [ids[:, :60], ids[:, 60:71], *ids[:, 71:].split(1, 1)]
    found = torch.cat([forward(model, step, parts) for step in steps], 1)
    assert torch.allclose(found, whole, atol=1e-4)


def test_what_is_kept_is_attended_exactly(model: PreTrainedModel) -> None:
    """Sinks and window only: the next token sees just those, at their own positions."""
    ids = text(100)
    cache = KVCache(model, "recency + sinks=4 + window=8", 12)
    forward(model, ids, cache)
    full = KVCache(model, "recency", 1.0)
    forward(model, ids, full)
    for layer in full.compressed:  # cut by hand
        layer.keys, layer.values = (one[:, :, [0, 1, 2, 3, *range(92, 100)]] for one in layer.held)
    full.positions = full.positions[:, :12]
    new = ids[:, :1]
    assert torch.allclose(forward(model, new, cache), forward(model, new, full), atol=1e-5)


def test_a_prompt_in_chunks_never_holds_the_whole(model: PreTrainedModel) -> None:
    cache = KVCache(model, "recency", 0.25)
    model.generate(
        text(256), **named(model, cache), prefill_chunk_size=64, max_new_tokens=2, do_sample=False
    )
    assert cache.lengths().max() <= 64 + 2


def test_beams_follow_their_own_past(model: PreTrainedModel) -> None:
    ids = text(40)
    told = {"num_beams": 3, "max_new_tokens": 30, "do_sample": False, "pad_token_id": 0}
    plain = model.generate(ids, **told)
    assert torch.equal(
        model.generate(ids, **named(model, KVCache(model, "recency", 1.0)), **told), plain
    )
    cut = KVCache(model, "recency", 0.5)
    assert model.generate(ids, **named(model, cut), **told).shape[1] <= 70
    assert cut.lengths().shape[0] == 3


def test_a_conversation_goes_on_in_the_same_cache(model: PreTrainedModel) -> None:
    cache = KVCache(model, "recency", 0.5)
    told = {"max_new_tokens": 20, "do_sample": False, "pad_token_id": 0}
    first = model.generate(text(60), **named(model, cache), **told)
    again = torch.cat([first, text(15, seed=3)], 1)
    cache.go_on(again)
    assert model.generate(again, **named(model, cache), **told).shape[1] == 115
    assert int(cache.real[0]) == 114


@pytest.mark.parametrize(
    "policy",
    ["snapkv + ada-kv", "keydiff + minicache(start=0.0)", "keydiff + xquant(group_size=16)",
     "sirllm + mikv(group_size=16)", "recency + louiskv"],
)  # fmt: skip
def test_copies_of_a_cache_are_asked_each_by_itself(model: PreTrainedModel, policy: str) -> None:
    context = text(150)
    once = KVCache(model, f"{policy} + window=8 + block=8", 0.5)
    forward(model, context, once)
    weight = once.nbytes, once.offloaded_nbytes
    told = {"max_new_tokens": 20, "do_sample": False, "pad_token_id": 0}
    for seed in (1, 2):
        asked = torch.cat([context, text(9, seed=seed)], 1)
        copied = copy.deepcopy(once)
        assert copied.nbytes == weight[0]
        fresh = KVCache(model, once.policy, 0.5)
        forward(model, context, fresh)
        answer = model.generate(asked, **named(model, copied), **told)
        assert torch.equal(answer, model.generate(asked, **named(model, fresh), **told))
        assert (once.nbytes, once.offloaded_nbytes) == weight
        assert once.get_seq_length() == 150


def test_newest_tokens_can_be_taken_back(model: PreTrainedModel) -> None:
    ids = text(80)
    cache = KVCache(model, "recency + window=16", 0.5)
    forward(model, ids, cache)
    before = forward(model, ids[:, :1], cache)
    cache.crop(-1)
    assert torch.equal(forward(model, ids[:, :1], cache), before)
    with pytest.raises(InvalidInput, match="cannot be taken back"):
        cache.crop(-40)


def test_after_reset_it_is_as_new(model: PreTrainedModel) -> None:
    cache = KVCache(model, "recency", 0.5)
    first = greedy(model, text(50), cache)
    cache.reset()
    assert cache.nbytes == 0
    assert torch.equal(greedy(model, text(50), cache), first)


def test_rerotated_keys_stand_next_to_each_other(model: PreTrainedModel) -> None:
    """The model sees the kept tokens as if they were the whole text."""
    ids = text(60)
    cache = KVCache(model, "recency + sinks=0 + window=8 + rerotate=true", 20)
    forward(model, ids, cache)
    layer = cache.compressed[0]  # its keys depend on nothing but the tokens
    kept = layer.stores[0].meta["positions"].reshape(2, 12)
    assert kept.tolist() == [list(range(40, 52))] * 2
    cut = KVCache(model, "recency + sinks=4 + window=8 + rerotate=true", 20)
    forward(model, ids, cut)
    first = cut.compressed[0].stores[0]
    assert first.meta["positions"].reshape(2, 12)[0].tolist() == list(range(40, 52))
    moved = torch.cat([ids[:, :4], ids[:, 44:]], 1)
    short = KVCache(model, "recency", 1.0)
    forward(model, moved, short, position_ids=torch.arange(40, 60)[None])
    same = short.compressed[0].held[0][:, :, :12].reshape(24, 16)
    assert torch.allclose(first.parts["keys"], same, atol=1e-4)


def test_as_a_context_manager_every_generation_gets_its_own_cache(model: PreTrainedModel) -> None:
    with compressing(model, "recency", budget=0.5) as caches:
        for length in (40, 80):
            model.generate(text(length), max_new_tokens=3, do_sample=False)
    assert [int(cache.lengths().max()) for cache in caches] == [20 + 2, 40 + 2]
    model.generate(text(40), max_new_tokens=2)
    assert len(caches) == 2


def test_a_pass_that_fails_leaves_the_cache_as_it_was(model: PreTrainedModel) -> None:
    cache = KVCache(model, "recency", 0.5)
    forward(model, text(60), cache)
    held = cache.lengths().tolist()
    broken = model.model.layers[1].mlp.register_forward_hook(_fails)
    with pytest.raises(RuntimeError, match="out of order"):
        forward(model, text(7), cache)
    broken.remove()
    assert cache.lengths().tolist() == held
    assert cache.get_seq_length() == 60
    assert forward(model, text(7), cache).shape[1] == 7


def _fails(*args: Any) -> None:
    raise RuntimeError("out of order")


def test_a_forgotten_cache_frees_its_memory(model: PreTrainedModel) -> None:
    import weakref

    gc.freeze()  # only what is made here is looked for
    cache = KVCache(model, "recency", 0.5)
    forward(model, text(60), cache)
    gone = weakref.ref(cache)
    del cache
    gc.collect()
    assert gone() is None


def test_padding_is_never_stored(model: PreTrainedModel) -> None:
    ids, mask = padded([text(30), text(90, seed=2)])
    cache = KVCache(model, "recency", 0.5)
    forward(model, ids, cache, attention_mask=mask)
    assert cache.lengths()[:, 0, 0].tolist() == [15, 45]
    assert cache.full_nbytes == 120 * TOKEN
