"""A cache that has answered goes on with its own conversation, and with no other text."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

from mnemon.errors import InvalidInput
from mnemon.kv import KVCache
from mnemon.kv.seen import folded

from .models import forward, named, padded, text, tiny_llama

TOLD = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 0}


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return tiny_llama()


def answered(
    model: PreTrainedModel, prompt: torch.Tensor, **more: object
) -> tuple[KVCache, torch.Tensor]:
    cache = KVCache(model, "recency", 0.5)
    return cache, model.generate(prompt, **named(model, cache), **TOLD, **more)


def test_a_longer_text_that_begins_otherwise_is_refused(model: PreTrainedModel) -> None:
    cache, _ = answered(model, text(30))
    other = text(60, seed=5)
    with pytest.raises(InvalidInput, match=r"call cache.go_on\(input_ids\)"):
        model.generate(other, **named(model, cache), **TOLD)
    with pytest.raises(InvalidInput, match="does not begin with the 35 tokens"):
        cache.go_on(other)
    with pytest.raises(InvalidInput, match=r"call cache.go_on\(input_ids\)"):
        model.generate(other, **named(model, cache), **TOLD)
    assert int(cache.real[0]) == 35


def test_each_turn_is_told(model: PreTrainedModel) -> None:
    cache, said = answered(model, text(30))
    for seed in (1, 2):
        said = torch.cat([said, text(9, seed=seed)], 1)
        with pytest.raises(InvalidInput, match="go_on"):
            model.generate(said, **named(model, cache), **TOLD)
        cache.go_on(said)
        said = model.generate(said, **named(model, cache), **TOLD)
    assert int(cache.real[0]) == 30 + 6 + 15 + 15 - 1


def test_new_tokens_alone_need_not_be_told(model: PreTrainedModel) -> None:
    cache, said = answered(model, text(30))
    forward(model, torch.cat([said[:, -1:], text(9)], 1), cache)
    assert int(cache.real[0]) == 45


def test_a_prompt_in_chunks_and_one_question_need_not_be_told(model: PreTrainedModel) -> None:
    cache, _ = answered(model, text(41), prefill_chunk_size=10)
    assert int(cache.real[0]) == 46
    cache = KVCache(model, "recency", 0.5)
    forward(model, text(30), cache)
    model.generate(torch.cat([text(30), text(9, seed=1)], 1), **named(model, cache), **TOLD)
    assert int(cache.real[0]) == 44


def test_a_padded_batch_goes_on_with_its_own_padding(model: PreTrainedModel) -> None:
    ids, mask = padded([text(20), text(30, seed=1)])
    cache, said = answered(model, ids, attention_mask=mask)
    turn = torch.cat([said, text(4, batch=2, seed=2)], 1)
    longer = torch.cat([mask, mask.new_ones(2, 10)], 1)
    swapped = turn[[1, 0]]
    with pytest.raises(InvalidInput, match="does not begin with"):
        cache.go_on(swapped)
    with pytest.raises(InvalidInput, match="holds 2 sequences, and this text has 1"):
        cache.go_on(turn[:1])
    cache.go_on(turn)
    model.generate(turn, attention_mask=longer, **named(model, cache), **TOLD)
    assert cache.real.tolist() == [20 + 15, 30 + 15]


def test_what_beams_chose_is_what_was_seen(model: PreTrainedModel) -> None:
    cache, said = answered(model, text(30), num_beams=3)
    whole = torch.cat([said, text(3, seed=4)], 1)
    best = folded(None, whole[:, : cache.slots], 0)
    assert best is not None and cache.seen is not None
    assert best.tolist()[0] in cache.seen.tolist()
    cache.batch_select_indices(torch.tensor([cache.seen.tolist().index(best.tolist()[0])]))
    cache.go_on(whole)


def test_copies_crops_and_a_new_start(model: PreTrainedModel) -> None:
    cache, said = answered(model, text(30))
    other = copy.deepcopy(cache)
    with pytest.raises(InvalidInput, match="does not begin with"):
        other.go_on(text(60, seed=5))
    other.crop(-3)
    model.generate(said, **named(model, other), **TOLD)
    assert int(other.real[0]) == 41
    cache.reset()
    model.generate(text(50, seed=7), **named(model, cache), **TOLD)
    assert int(cache.real[0]) == 55


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (torch.ones(40, dtype=torch.long), r"a tensor \[B, N\]"),
        (torch.ones(1, 40, 8), r"a tensor \[B, N\]"),
        (text(35), "with something added"),
    ],
)
def test_what_go_on_is_not_given(model: PreTrainedModel, given: torch.Tensor, match: str) -> None:
    cache, _ = answered(model, text(30))
    with pytest.raises(InvalidInput, match=match):
        cache.go_on(given)


@given(
    st.lists(st.integers(0, 2**18), min_size=1, max_size=60),
    st.lists(st.integers(1, 59), max_size=4),
    st.integers(0, 59),
)
def test_the_number_is_of_the_text_and_not_of_how_it_came(
    ids: list[int], cuts: list[int], changed: int
) -> None:
    whole = torch.tensor([ids])
    ends = sorted({0, len(ids), *(cut for cut in cuts if cut < len(ids))})
    number = None
    for start, end in itertools.pairwise(ends):
        number = folded(number, whole[:, start:end], start)
    assert torch.equal(number, folded(None, whole, 0))
    other = whole.clone()
    other[0, changed % len(ids)] += 1
    assert not torch.equal(number, folded(None, other, 0))
