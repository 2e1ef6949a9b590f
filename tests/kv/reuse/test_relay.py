"""A batch that shares its beginning: held once, and each sequence goes on as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from tests.kv.models import forward, named, text, tiny_llama
from tests.kv.test_models import MODELS
from torch.nn import functional
from transformers import PreTrainedModel

from mnemon.errors import InvalidInput
from mnemon.kv import KVCache
from mnemon.kv.decode.from_cache import step_over
from mnemon.kv.reuse.block import Block
from mnemon.kv.reuse.prefix import PrefixCache
from mnemon.kv.reuse.relay import Relay, laid_out, shared
from mnemon.kv.reuse.seeding import taken

PREFIX = text(50)
TOKEN = 3 * 2 * 2 * 16 * 4  # layers, key-value heads, keys and values, channels, bytes


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return tiny_llama()


def block_of(model: PreTrainedModel, ids: torch.Tensor, begin: int = 0) -> Block:
    cache = KVCache(model, "recency", 1.0)
    forward(model, ids, cache)
    return taken(cache, ids[0], begin, ids.shape[1])


@pytest.mark.parametrize("name", ["llama", "mistral", "qwen3", "phi3", "gpt-neox", "opt"])
def test_logits_are_those_of_each_sequence_alone(name: str) -> None:
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    suffixes = text(9, batch=3, seed=4)
    cache = shared(model, block_of(model, PREFIX), 3)
    found = torch.cat([forward(model, part, cache) for part in suffixes.split([5, 1, 3], 1)], 1)
    whole = forward(model, torch.cat([PREFIX.repeat(3, 1), suffixes], 1))[:, 50:]
    assert (found - whole).abs().max() <= 1e-5 * whole.abs().max()


def test_attention_is_the_reference_to_a_hundred_thousandth(
    model: PreTrainedModel, attended: list[torch.Tensor]
) -> None:
    block = block_of(model, PREFIX)
    attended.clear()
    forward(model, text(1, batch=4, seed=4), shared(model, block, 4))
    found, attended[:] = list(attended), []
    cache = KVCache(model, "recency", 1.0)
    forward(model, PREFIX.repeat(4, 1), cache)
    attended.clear()
    forward(model, text(1, batch=4, seed=4), cache)
    assert len(found) == len(attended) == 3
    for ours, reference in zip(found, attended, strict=True):
        assert (ours - reference).abs().max() <= 1e-5


@pytest.fixture
def attended(model: PreTrainedModel) -> Iterator[list[torch.Tensor]]:
    """What goes into each layer's output projection."""
    seen: list[torch.Tensor] = []
    hooks = [
        layer.self_attn.o_proj.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        for layer in model.model.layers
    ]
    yield seen
    for hook in hooks:
        hook.remove()


def test_the_beginning_is_held_once(model: PreTrainedModel) -> None:
    cache = shared(model, block_of(model, PREFIX), 16)
    forward(model, text(2, batch=16, seed=4), cache)
    assert 50 * TOKEN <= cache.nbytes - 16 * 2 * TOKEN <= 51 * TOKEN
    assert cache.full_nbytes == 16 * 52 * TOKEN
    assert cache.lengths().unique().tolist() == [52]


def test_generate_continues_a_padded_batch_over_a_tree_of_blocks(model: PreTrainedModel) -> None:
    prefixes = PrefixCache(model, size=16)
    system, one, other = (text(32, seed=seed)[0].tolist() for seed in (1, 2, 3))
    prompts = [system + one + [5, 6, 7], system + other[:16] + [8], system + one[:9], [9, 10]]
    for prompt in prompts:
        cache = KVCache(model, "recency", 1.0)
        forward(model, torch.tensor([prompt]), cache)
        prefixes.publish(cache, prompt, seconds=1.0)
    cache = prefixes.together(prompts)
    assert cache.begun.tolist() == [64, 48, 32, 0]
    rows = {chunk.block.start + 100 * len(chunk.rows) for chunk in cache.chunks}
    assert rows == {300, 316, 132, 148}  # two of three, two of one, one of another
    ids, mask = laid_out(prompts, cache.begun)
    told = {"max_new_tokens": 12, "do_sample": False, "pad_token_id": 0}
    out = model.generate(ids, attention_mask=mask, **named(model, cache), **told)
    for row, prompt in enumerate(prompts):
        alone = model.generate(torch.tensor([prompt]), **told)
        assert out[row, ids.shape[1] :].tolist() == alone[0, len(prompt) :].tolist()


def test_sequences_are_picked_with_what_they_share(model: PreTrainedModel) -> None:
    block, other = block_of(model, PREFIX), block_of(model, text(50, seed=8))
    cache = Relay(model, [[block], [block], [other]])
    forward(model, text(4, batch=3, seed=4), cache)
    cache.batch_select_indices(torch.tensor([2, 0]))
    next_token = text(1, batch=2, seed=6)
    found = forward(model, next_token, cache)
    apart = [
        torch.cat([begun, text(4, batch=3, seed=4)[old : old + 1], next_token[new : new + 1]], 1)
        for new, (begun, old) in enumerate([(text(50, seed=8), 2), (PREFIX, 0)])
    ]
    whole = torch.cat([forward(model, ids)[:, -1:] for ids in apart])
    assert torch.allclose(found, whole, atol=1e-4)
    cache.reset()
    assert cache.slots == 50 and len(cache.chunks) == 2


def test_beams_share_it_too(model: PreTrainedModel) -> None:
    ids = torch.cat([PREFIX, text(3, seed=2)], 1)
    told = {"num_beams": 3, "max_new_tokens": 8, "do_sample": False, "pad_token_id": 0}
    cache = shared(model, block_of(model, PREFIX), 3)
    assert torch.equal(
        model.generate(ids, **named(model, cache), **told), model.generate(ids, **told)
    )


def test_half_precision_stays_near(model: PreTrainedModel) -> None:
    half = tiny_llama().to(torch.bfloat16)
    suffixes = text(5, batch=2, seed=4)
    found = forward(half, suffixes, shared(half, block_of(half, PREFIX), 2))
    whole = forward(half, torch.cat([PREFIX.repeat(2, 1), suffixes], 1))[:, 50:]
    near = functional.cosine_similarity(found.float(), whole.float(), dim=-1)
    assert near.min() > 0.99


def test_what_cannot_be_shared_is_refused(model: PreTrainedModel) -> None:
    block = block_of(model, PREFIX)
    cache = shared(model, block, 2)
    with pytest.raises(InvalidInput, match="begun for 2 sequences and is given 3"):
        forward(model, text(4, batch=3), cache)
    with pytest.raises(InvalidInput, match="follow each other"):
        Relay(model, [[block.part(10, 50)]])
    uneven = Relay(model, [[block], [block.part(0, 20)]])
    with pytest.raises(InvalidInput, match=r"begin with \[50, 20\] tokens: give an attention mask"):
        forward(model, text(4, batch=2), uneven)
    with pytest.raises(InvalidInput, match="first 50 slots of the attention mask"):
        mask = torch.ones(2, 54, dtype=torch.long)
        forward(model, text(4, batch=2), uneven, attention_mask=mask)
    forward(model, text(4, batch=2), cache)
    with pytest.raises(InvalidInput, match="no shared blocks"):
        step_over(model, cache)
    with pytest.raises(InvalidInput, match="one sequence"):
        taken(cache, PREFIX[0], 0, 50)
