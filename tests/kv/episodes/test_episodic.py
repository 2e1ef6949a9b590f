"""Episodic caches: what they hold, at most and at rest, and where they may not be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from tests.kv.models import forward, named, tiny_llama
from torch import Tensor

from mnemon import methods
from mnemon.bench.reuse.history import History
from mnemon.errors import InvalidInput, NotFound
from mnemon.kv import KVCache, seam
from mnemon.kv.episodes.episodic import EpisodicCache
from mnemon.kv.tiers.blob import Blob, decode, encode

BUDGET, BLOCK = 48, 160
BUILD: dict[str, Any] = {"budget": BUDGET, "block": BLOCK, "window": 3, "episodes": 2}
SOURCES = tuple((f"cube-{turn}", 1) for turn in range(12))


@pytest.fixture(scope="module")
def memory(model: Any, tokenizer: Any, told: History, embed: Any) -> EpisodicCache:
    turns = told.turns
    return EpisodicCache.build(model, tokenizer, turns, embed=embed, sources=SOURCES, **BUILD)


@pytest.fixture
def question(tokenizer: Any, told: History) -> str:
    text: str = tokenizer.decode(told.questions[0].ids)
    return text


def ids(tokenizer: Any, text: str) -> Tensor:
    return torch.tensor([tokenizer(text, add_special_tokens=False).input_ids])


def token_bytes(model: Any) -> int:
    config = model.config
    return int(config.num_hidden_layers * config.num_key_value_heads * config.head_dim * 2 * 4)


@contextmanager
def weighed(model: Any) -> Iterator[list[int]]:
    """Bytes of the cache of each pass, when its tokens are in and nothing has gone yet."""
    found: list[int] = []

    def note(*_: Any) -> None:
        if (cache := seam.current()) is not None:
            found.append(cache.nbytes)

    handle = seam.decoder(model).register_forward_hook(note, prepend=True)
    yield found
    handle.remove()


def test_what_is_held_never_exceeds_the_budget_and_one_block(
    model: Any, tokenizer: Any, told: History, embed: Any
) -> None:
    KVCache(model)  # attaches it, so that our hook comes before
    with weighed(model) as found:
        made = EpisodicCache.build(model, tokenizer, told.turns, embed=embed, **BUILD)
    assert len(made.tokens) > BUDGET + BLOCK  # so that it would not fit as it is
    assert max(found) <= (BUDGET + BLOCK) * token_bytes(model)
    assert made.peak_nbytes <= max(found)


def test_each_cache_holds_the_budget_and_has_seen_everything(
    memory: EpisodicCache, model: Any, question: str
) -> None:
    cache = memory.cache_for(question)
    assert cache.get_seq_length() == len(memory.tokens)
    layers, heads = model.config.num_hidden_layers, model.config.num_key_value_heads
    held = int(cache.lengths().sum())
    assert BUDGET * layers * heads - heads < held <= BUDGET * layers * heads
    assert cache.nbytes <= BUDGET * token_bytes(model)


def test_a_conversation_within_the_budget_is_kept_as_it_is(
    memory: EpisodicCache, model: Any, tokenizer: Any, told: History, embed: Any, question: str
) -> None:
    just = {**BUILD, "budget": len(memory.tokens)}
    made = EpisodicCache.build(model, tokenizer, told.turns, embed=embed, **just)
    whole = KVCache(model)
    forward(model, made.tokens[None], whole)
    asked = ids(tokenizer, question)
    found = forward(model, asked, made.cache_for(question))
    assert torch.allclose(found, forward(model, asked, whole), atol=1e-4)


def test_generate_goes_on_from_the_conversation(
    memory: EpisodicCache, model: Any, tokenizer: Any, question: str
) -> None:
    asked = ids(tokenizer, question)
    prompt = torch.cat([memory.tokens[None], asked], 1)
    cache = named(model, memory.cache_for(question))
    said = model.generate(prompt, **cache, max_new_tokens=3, do_sample=False)
    by_hand = memory.cache_for(question)
    step, found = asked, []
    for _ in range(3):
        step = forward(model, step, by_hand)[:, -1:].argmax(-1)
        found.append(int(step))
        if found[-1] == model.generation_config.eos_token_id:
            break
    assert said[0, prompt.shape[1] :].tolist() == found


def test_blobs_survive_storage_and_caches_share_nothing_written(
    memory: EpisodicCache, model: Any, tokenizer: Any, embed: Any, question: str
) -> None:
    blobs = [one.blob for one in memory.episodes if one.blob is not None]
    stored = [decode(encode(one), one.key) for one in blobs]
    again = EpisodicCache.load(model, stored, embed=embed)
    asked = ids(tokenizer, question)
    first = forward(model, asked, memory.cache_for(question))
    assert torch.equal(first, forward(model, asked, again.cache_for(question)))
    assert torch.equal(first, forward(model, asked, memory.cache_for(question)))
    assert torch.equal(again.tokens, memory.tokens)


def test_what_is_kept_can_be_stored_in_fewer_bits(
    model: Any, tokenizer: Any, told: History, embed: Any, question: str
) -> None:
    codec = methods.load("kv.compress", "kivi", bits=4)
    made = EpisodicCache.build(model, tokenizer, told.turns, embed=embed, compress=codec, **BUILD)
    cache = made.cache_for(question)
    assert int(cache.lengths().min(-1).values.sum()) > BUDGET * model.config.num_hidden_layers
    assert cache.nbytes <= BUDGET * token_bytes(model)
    assert forward(model, ids(tokenizer, question), cache).isfinite().all()


def test_every_episode_names_every_turn_and_is_agnostic(memory: EpisodicCache) -> None:
    assert len(memory.episodes) == 2
    for one in memory.episodes:
        assert one.blob is not None
        assert one.blob.header["question"] == "agnostic"
        assert [tuple(source) for source in one.blob.header["sources"]] == list(SOURCES)


@pytest.mark.parametrize(
    "other", [{"salt": "bo"}, {"embedder": "e5"}, {"budget": 50}, {"alpha": 0}]
)
def test_keys_tell_apart_what_differs(
    memory: EpisodicCache, model: Any, tokenizer: Any, told: History, embed: Any,
    other: dict[str, Any],
) -> None:  # fmt: skip
    made = EpisodicCache.build(model, tokenizer, told.turns, embed=embed, **{**BUILD, **other})
    keys = {one.key for one in memory.episodes}
    assert not keys & {one.key for one in made.episodes}


def test_the_same_conversation_has_the_same_keys(
    memory: EpisodicCache, model: Any, tokenizer: Any, told: History, embed: Any
) -> None:
    made = EpisodicCache.build(model, tokenizer, told.turns, embed=embed, **BUILD)
    assert [one.key for one in made.episodes] == [one.key for one in memory.episodes]


@dataclass
class Shelf:
    """Places that hold blobs as bytes."""

    held: dict[str, bytes] = field(default_factory=dict)

    def get(self, key: str) -> Blob | None:
        return decode(self.held[key], key) if key in self.held else None

    def put(self, blob: Blob, *, seconds: float) -> None:
        assert seconds > 0
        self.held[blob.key] = encode(blob)


def test_episodes_lie_in_tiers_and_are_missed_when_they_are_gone(
    memory: EpisodicCache, model: Any, tokenizer: Any, told: History, embed: Any, question: str
) -> None:
    shelf = Shelf()
    made = EpisodicCache.build(model, tokenizer, told.turns, embed=embed, tiers=shelf, **BUILD)
    assert all(one.blob is None for one in made.episodes)
    asked = ids(tokenizer, question)
    expected = forward(model, asked, memory.cache_for(question))
    assert torch.equal(forward(model, asked, made.cache_for(question)), expected)
    shelf.held.clear()
    with pytest.raises(NotFound, match="build the caches of this conversation anew"):
        made.cache_for(question)


def test_a_question_opens_the_episode_of_whom_it_is_about(
    memory: EpisodicCache, tokenizer: Any, told: History
) -> None:
    about: dict[str, set[int]] = {}
    for one in told.questions:
        text = tokenizer.decode(one.ids)
        about.setdefault(text.split()[4], set()).add(memory.nearest(text))
    assert sorted(about.values()) == [{0}, {1}]


def test_what_cannot_be_built_is_refused(
    model: Any, tokenizer: Any, told: History, embed: Any
) -> None:
    with pytest.raises(InvalidInput, match="larger block, or segments of fewer turns"):
        EpisodicCache.build(model, tokenizer, told.turns, embed=embed, budget=BUDGET, block=80)
    with pytest.raises(InvalidInput, match="one medoid at least"):
        EpisodicCache.build(model, tokenizer, told.turns, embed=embed, budget=BUDGET, medoids=0)
    with pytest.raises(InvalidInput, match="budget=0 tokens"):
        EpisodicCache.build(model, tokenizer, told.turns, embed=embed, budget=0.001)
    with pytest.raises(InvalidInput, match="blobs of form"):
        EpisodicCache.load(model, [], embed=embed)


def test_blobs_of_another_model_are_refused(memory: EpisodicCache, embed: Any) -> None:
    blobs = [one.blob for one in memory.episodes if one.blob is not None]
    with pytest.raises(InvalidInput, match="other weights"):
        EpisodicCache.load(tiny_llama(), blobs, embed=embed)
