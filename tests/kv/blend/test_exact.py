"""What must be exact is: full, everything recomputed, prefixes, places."""

from __future__ import annotations

from functools import cache
from itertools import accumulate

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kv.blend.texts import (
    Chosen,
    close,
    greedy,
    held,
    plain,
    question,
    reference,
    segments,
    texts,
    whole,
    words,
)  # fmt: skip
from tests.kv.models import tiny_llama
from transformers import PreTrainedModel

from mnemon import methods
from mnemon.kv import seam
from mnemon.kv.reuse.blending import Segment, blended
from mnemon.kv.reuse.chunk import chunk
from mnemon.kv.reuse.seeding import seeded
from mnemon.kv.reuse.turning import turned


@cache
def both() -> tuple[PreTrainedModel, PreTrainedModel]:
    """The same model twice: one to blend with, one that is left as it is."""
    return tiny_llama(layers=2), tiny_llama(layers=2)


def test_full_is_a_plain_pass_to_the_last_bit(model: PreTrainedModel) -> None:
    parts = segments(model, texts(), head=(1,))
    cache, logits = plain(model, whole(parts))
    made = blended(model, parts, "full")
    assert torch.equal(made.logits, logits)
    assert all(map(torch.equal, held(made.cache), held(cache)))
    assert (made.recomputed, made.of, made.work) == (34, 34, 1.0)


def test_a_first_chunk_is_exact_where_it_stands(model: PreTrainedModel) -> None:
    parts = segments(model, texts())
    made = blended(model, parts, "full")
    assert (made.recomputed, made.of) == (25, 25)
    assert torch.allclose(made.logits, plain(model, whole(parts))[1], atol=1e-4)


def test_everything_recomputed_is_full(model: PreTrainedModel) -> None:
    parts = segments(model, texts())
    full = blended(model, parts, "full")
    made = blended(model, parts, "cacheblend", recompute=1.0)
    assert close(made.cache, full.cache)
    assert torch.allclose(made.logits, full.logits, atol=1e-3)
    assert greedy(model, made.cache, made.logits) == greedy(model, full.cache, full.logits)


def test_a_single_leading_chunk_is_prefix_reuse(model: PreTrainedModel) -> None:
    first, asked = texts()[0], question()
    made = blended(model, [Segment(first, chunk(model, first)), asked], "naive")
    cache = seeded(model, chunk(model, first))
    with torch.no_grad():
        logits = seam.forward(model, asked.tokens[None], cache, logits_to_keep=1)
    assert torch.equal(made.logits, logits[0, -1])
    assert all(map(torch.equal, held(made.cache), held(cache)))


@pytest.mark.parametrize("as_cache", [False, True])
def test_a_prefix_is_exact_and_never_computed(model: PreTrainedModel, as_cache: bool) -> None:
    before, parts = words(12, 50), segments(model, texts())
    block = chunk(model, before)
    given_ = seeded(model, block) if as_cache else block
    _, logits = plain(model, torch.cat([before[None], whole(parts)], 1))
    made = blended(model, parts, "cacheblend", prefix=given_, recompute=1.0)
    assert torch.allclose(made.logits, logits, atol=1e-3)
    assert made.of == 34
    assert all(
        torch.equal(one[0, :, :12], kept)
        for one, kept in zip(
            held(made.cache),
            [one for pair in zip(block.keys, block.values, strict=True) for one in pair],
            strict=True,
        )
    )


def test_a_chunk_behind_a_head_is_exact_right_behind_it(model: PreTrainedModel) -> None:
    first, head = texts()[0], (1, 7)
    parts = [Segment(first, chunk(model, first, head)), question()]
    made = blended(model, parts, "naive", prefix=chunk(model, torch.tensor(head)))
    _, logits = plain(model, torch.cat([torch.tensor([head]), whole(parts)], 1))
    assert torch.allclose(made.logits, logits, atol=1e-4)


@given(
    order=st.permutations(range(4)),
    sizes=st.lists(st.integers(1, 12), min_size=4, max_size=4),
    data=st.data(),
)
@settings(max_examples=25, deadline=None)
def test_any_order_and_any_choice_agree_with_the_reference(
    order: list[int], sizes: list[int], data: st.DataObject
) -> None:
    model, untouched = both()
    kept = [words(size, seed) for seed, size in enumerate(sizes)]
    parts = segments(model, [kept[place] for place in order])
    total = len(whole(parts)[0])
    chosen = data.draw(st.lists(st.booleans(), min_size=total, max_size=total))
    made = blended(model, parts, Chosen(tuple(chosen)))
    assert torch.allclose(
        made.logits, reference(untouched, parts, torch.tensor(chosen)), atol=1e-3, rtol=1e-3
    )
    first = len(parts[0].tokens)
    assert made.recomputed == sum(chosen[first : first + made.of])


def test_turned_there_and_back_is_the_same(model: PreTrainedModel) -> None:
    block = chunk(model, words(20, 3))
    keys, values = turned(model, [(block, 500)], 520)
    rope = seam.rope(model, 1)
    assert rope is not None
    back = rope.shift(keys[1][:, :, 500:], torch.full((1, 20), -500))
    assert torch.allclose(back[0], block.keys[1], atol=1e-5)
    assert torch.equal(values[1][0, :, 500:], block.values[1])


def test_a_chunk_can_stand_twice(model: PreTrainedModel) -> None:
    one, two = texts()[:2]
    block = chunk(model, one)
    before = [tensor.clone() for tensor in (*block.keys, *block.values)]
    parts = [Segment(one, block), Segment(two, chunk(model, two)), Segment(one, block), question()]
    chosen = torch.zeros(len(whole(parts)[0]), dtype=torch.bool)
    chosen[25:28] = True  # in its second place only
    made = blended(model, parts, Chosen(tuple(chosen.tolist())))
    expected = reference(tiny_llama(), parts, chosen)
    assert torch.allclose(made.logits, expected, atol=1e-3, rtol=1e-3)
    assert all(map(torch.equal, (*block.keys, *block.values), before))


def test_the_cache_goes_on_as_any_other(model: PreTrainedModel) -> None:
    made = blended(model, segments(model, texts()), "naive")
    again = seeded(model, None)
    total = list(accumulate(len(one) for one in texts()))[-1] + 5
    assert (made.cache.slots, made.cache.get_seq_length()) == (total, total)
    assert made.cache.positions is not None and made.cache.positions[0].tolist() == list(
        range(total)
    )
    out = model.generate(
        torch.cat([whole(segments(model, texts())), made.logits.argmax()[None, None]], 1),
        **dict.fromkeys(seam.with_cache(model, {}, again), made.cache),
        max_new_tokens=3, do_sample=False,
    )  # fmt: skip
    assert out.shape == (1, total + 4)


def test_the_last_token_is_computed_though_it_was_kept(model: PreTrainedModel) -> None:
    parts = segments(model, texts())[:-1]
    made = blended(model, parts, "naive")
    assert made.of == 24
    assert made.logits.shape == (97,)


def test_texts_without_blocks_are_a_plain_pass(model: PreTrainedModel) -> None:
    parts = [Segment(one) for one in texts()]
    made = blended(model, parts)
    assert torch.equal(made.logits, plain(model, whole(parts))[1])
    assert (made.of, made.share) == (0, 0.0)


@pytest.mark.parametrize("name", methods.names("kv.blend"))
def test_every_method_is_deterministic_and_counts(model: PreTrainedModel, name: str) -> None:
    parts = segments(model, texts(), head=(1,))
    one, two = (blended(model, parts, name, prefix=chunk(model, torch.tensor([1]))) for _ in "ab")
    assert torch.equal(one.logits, two.logits)
    assert 0 <= one.recomputed <= one.of == 34
    assert one.recomputed / one.of <= one.work or name == "naive"
