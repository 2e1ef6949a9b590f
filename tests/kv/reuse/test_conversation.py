"""A turn computes only its new tokens, whatever became of the conversation in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from tests.kv.models import named, text, tiny_llama
from tests.kv.reuse.prompts import Shelf, recomputed
from transformers import PreTrainedModel

from mnemon.errors import InvalidInput
from mnemon.kv.reuse.conversation import Conversation
from mnemon.kv.reuse.prefix import PrefixCache

PROMPT = text(90)[0].tolist()


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return tiny_llama()


def test_fifty_turns_compute_their_own_tokens_and_no_others(model: PreTrainedModel) -> None:
    conversation = Conversation(PrefixCache(model, size=16))
    said = PROMPT[:20]
    computed = []
    for turn in range(50):
        question = text(5 + turn % 3, seed=turn)[0].tolist()
        said = [*said, *question]
        found = conversation.prefill(said)
        assert found.reused + found.computed == len(said)
        for _ in range(3):
            said.append(int(found.logits.argmax()))
            conversation.append(said[-1:])
        computed.append(found.computed)
    assert computed == [25] + [5 + turn % 3 for turn in range(1, 50)]
    assert conversation.tokens == said
    last = recomputed(model, said)
    again = conversation.prefill([*said, 3]).logits
    assert torch.allclose(again, recomputed(model, [*said, 3]), atol=1e-4)
    assert not torch.allclose(again, last, atol=1e-2)


def test_an_edited_turn_is_computed_from_where_it_differs(model: PreTrainedModel) -> None:
    conversation = Conversation(PrefixCache(model, size=16))
    conversation.prefill(PROMPT)
    edited = [*PROMPT[:70], 3, 4, 5]
    found = conversation.prefill(edited)
    assert (found.reused, found.computed, found.by_tier) == (70, 3, {"live": 70})
    assert torch.allclose(found.logits, recomputed(model, edited), atol=1e-4)
    same = conversation.prefill(edited)
    assert (same.reused, same.computed) == (72, 1)
    conversation.prefill([3, *PROMPT])
    assert conversation.cache is not None and conversation.cache.slots == 91


def test_kept_blocks_are_taken_where_they_reach_further(model: PreTrainedModel) -> None:
    prefixes = PrefixCache(model, size=16)
    other = Conversation(prefixes)
    edited = PROMPT[:20] + text(60, seed=3)[0].tolist()
    other.prefill(edited)
    other.publish()
    conversation = Conversation(prefixes)
    conversation.prefill(PROMPT)
    found = conversation.prefill([*edited, 5])
    assert found.by_tier == {"memory": 80} and found.computed == 1


def test_an_idle_conversation_rests_in_blocks_and_wakes_up(model: PreTrainedModel) -> None:
    shelf = Shelf()
    conversation = Conversation(PrefixCache(model, tiers=shelf, size=16), chunk=32)
    cache = conversation.prefill(PROMPT).cache
    assert conversation.rest() == 5
    assert conversation.cache is None and cache.nbytes == 0
    found = conversation.prefill([*PROMPT, 3, 4])
    assert (found.by_tier, found.computed) == ({"host": 80}, 12)
    assert torch.allclose(found.logits, recomputed(model, [*PROMPT, 3, 4]), atol=1e-4)
    assert conversation.publish() == 0


@pytest.mark.parametrize("lost", [[0], [2], [1, 3], [0, 1, 2], [4]])
def test_a_lost_block_costs_its_own_tokens_only(model: PreTrainedModel, lost: list[int]) -> None:
    shelf = Shelf()
    conversation = Conversation(PrefixCache(model, tiers=shelf, size=16))
    conversation.prefill(PROMPT)
    conversation.rest()
    keys = list(shelf.blobs)
    shelf.delete(keys[number] for number in lost)
    found = conversation.prefill(PROMPT)
    assert (found.computed, found.by_tier) == (10 + 16 * len(lost), {"host": 80 - 16 * len(lost)})
    assert torch.allclose(found.logits, recomputed(model, PROMPT), atol=1e-4)
    assert torch.allclose(conversation.append([3]), recomputed(model, [*PROMPT, 3]), atol=1e-4)
    assert conversation.publish() == len(lost)
    assert sorted(shelf.blobs) == sorted(keys)


def test_blocks_that_are_slower_to_load_are_computed_in_one_pass(model: PreTrainedModel) -> None:
    class Slow(Shelf):
        def get(self, key: str) -> None:
            return None  # though it is there

    shelf = Slow()
    conversation = Conversation(PrefixCache(model, tiers=shelf, size=16))
    conversation.prefill(PROMPT)
    conversation.rest()
    prefixes = PrefixCache(model, tiers=shelf, size=16)
    found = Conversation(prefixes).prefill(PROMPT)
    assert found.computed == 90 and prefixes.counts["skipped"] == 1
    assert torch.equal(found.logits, recomputed(model, PROMPT))


def test_threads_share_blocks(model: PreTrainedModel) -> None:
    prefixes = PrefixCache(model, tiers=Shelf(), size=16)
    prompts = [PROMPT[: 30 + 7 * number] + [3] * number for number in range(8)]

    def talk(prompt: list[int]) -> torch.Tensor:
        conversation = Conversation(prefixes)
        logits = conversation.prefill(prompt).logits
        conversation.rest()
        return logits

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(talk, prompts * 3))
    for logits, prompt in zip(found, prompts * 3, strict=True):
        assert torch.allclose(logits, recomputed(model, prompt), atol=1e-4)


def test_forks_share_what_they_have_seen_and_go_their_own_ways(model: PreTrainedModel) -> None:
    prefixes = PrefixCache(model, size=16)
    conversation = Conversation(prefixes)
    cache = conversation.prefill(PROMPT).cache
    fork = conversation.fork()
    assert fork.cache is not None and fork.cache is not cache
    for ours, its in zip(cache.compressed, fork.cache.compressed, strict=True):
        assert ours.held[0].data_ptr() == its.held[0].data_ptr()  # nothing was copied
    one, two = conversation.append([3, 4]), fork.append([5])
    assert torch.equal(one, recomputed(model, [*PROMPT, 3, 4], 90))
    assert torch.equal(two, recomputed(model, [*PROMPT, 5], 90))
    assert conversation.tokens != fork.tokens
    conversation.publish()
    assert fork.publish() == 0  # the same blocks, by the same keys


def test_a_long_prompt_is_given_in_chunks(model: PreTrainedModel) -> None:
    conversation = Conversation(PrefixCache(model, size=16), chunk=32)
    found = conversation.prefill(PROMPT)
    assert torch.equal(found.logits, recomputed(model, PROMPT, 32, 64))


def test_tokens_that_generate_gave_are_told(model: PreTrainedModel) -> None:
    conversation = Conversation(PrefixCache(model, size=16))
    cache = conversation.prefill(PROMPT).cache
    cache.crop(-1)
    ids = torch.tensor([PROMPT])
    out = model.generate(
        ids, **named(model, cache), max_new_tokens=6, do_sample=False, pad_token_id=0
    )
    with pytest.raises(InvalidInput, match="`follow` takes those"):
        conversation.prefill([*out[0].tolist(), 3])
    with pytest.raises(InvalidInput, match="has seen 95 tokens, and 92 were told"):
        conversation.follow([1, 2])
    conversation.follow(out[0, 90:-1].tolist())
    assert conversation.prefill(out[0].tolist()).computed == 1


def test_a_pass_that_fails_leaves_the_conversation_as_it_was(model: PreTrainedModel) -> None:
    conversation = Conversation(PrefixCache(model, size=16))
    conversation.prefill(PROMPT)
    with pytest.raises(IndexError):
        conversation.append([97_000])
    assert conversation.prefill([*PROMPT, 3]).computed == 1


@pytest.mark.parametrize("policy", ["keydiff", "recency", "kivi(bits=4)", "lagkv", "leverage"])
def test_under_a_budget_kept_blocks_are_compressed_as_a_pass_would(
    model: PreTrainedModel, policy: str
) -> None:
    prefixes = PrefixCache(model, size=16)
    cold = Conversation(prefixes, policy=policy, budget=0.5)
    first = cold.prefill(PROMPT, sources=())
    assert first.cache.nbytes < 0.75 * first.cache.full_nbytes
    warm = Conversation(prefixes, policy=policy, budget=0.5)
    second = warm.prefill(PROMPT)
    assert second.reused == 80
    assert torch.allclose(first.logits, second.logits, atol=1e-4)
    assert torch.allclose(cold.append([3, 4]), warm.append([3, 4]), atol=1e-3)
    with pytest.raises(InvalidInput, match="give prefill the sources"):
        warm.publish()
    fork = warm.fork()
    assert torch.equal(fork.append([5]), warm.append([5]))
    assert warm.prefill(PROMPT[:50]).by_tier == {"memory": 48}


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("snapkv", "any question"),
        ("tova", "any question"),
        ("sirllm", "needs surprisal"),
        ("recency + louiskv", "needs"),
    ],
)
def test_policies_that_need_a_pass_are_refused(
    model: PreTrainedModel, policy: str, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        Conversation(PrefixCache(model), policy=policy, budget=0.5)
    Conversation(PrefixCache(model), policy=policy)  # at 1.0 nothing is asked of it
