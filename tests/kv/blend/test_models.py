"""Models whose keys can be turned, and the refusal of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers as hf
from tests.kv.blend.texts import close, plain, reference, segments, texts, whole, words
from tests.kv.models import tiny_llama
from transformers import PreTrainedModel

from mnemon.errors import InvalidInput, UnknownName
from mnemon.kv.reuse.blending import Segment, blended
from mnemon.kv.reuse.chunk import chunk, chunk_key
from mnemon.kv.reuse.keys import chain

SIZES: dict[str, Any] = {
    "vocab_size": 97, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
    "initializer_range": 0.2, "max_position_embeddings": 512, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": None,
}  # fmt: skip
GROUPED: dict[str, Any] = {**SIZES, "intermediate_size": 96, "num_key_value_heads": 2}
HEADS: dict[str, Any] = {**GROUPED, "head_dim": 16}
YARN = {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0}
DYNAMIC = {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0}

MODELS: dict[str, Callable[[], PreTrainedModel]] = {
    "mistral": lambda: hf.MistralForCausalLM(hf.MistralConfig(**HEADS, sliding_window=None)),
    "qwen2": lambda: hf.Qwen2ForCausalLM(hf.Qwen2Config(**GROUPED)),
    "qwen3": lambda: hf.Qwen3ForCausalLM(hf.Qwen3Config(**HEADS)),
    "phi3": lambda: hf.Phi3ForCausalLM(hf.Phi3Config(**GROUPED)),
    "gpt-neox": lambda: hf.GPTNeoXForCausalLM(hf.GPTNeoXConfig(**SIZES, intermediate_size=96)),
    "yarn": lambda: tiny_llama(rope_parameters=YARN),
}
REFUSED: dict[str, Callable[[], PreTrainedModel]] = {
    "cohere (interleaved)": lambda: hf.CohereForCausalLM(hf.CohereConfig(**GROUPED)),
    "opt (learned)": lambda: hf.OPTForCausalLM(
        hf.OPTConfig(
            vocab_size=97, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, ffn_dim=96,
            word_embed_proj_dim=64, max_position_embeddings=512, pad_token_id=0,
        )
    ),
    "gpt2 (learned)": lambda: hf.GPT2LMHeadModel(
        hf.GPT2Config(vocab_size=97, n_embd=64, n_layer=2, n_head=4, n_positions=512)
    ),
    "smollm3 (some without)": lambda: hf.SmolLM3ForCausalLM(
        hf.SmolLM3Config(**GROUPED, no_rope_layers=[1, 0, 1])
    ),
    "gemma3 (sliding)": lambda: hf.Gemma3ForCausalLM(
        hf.Gemma3TextConfig(**HEADS, sliding_window=24, layer_types=["sliding_attention"] * 3)
    ),
    "dynamic": lambda: tiny_llama(rope_parameters=DYNAMIC),
}  # fmt: skip


def made_by(make: Callable[[], PreTrainedModel]) -> PreTrainedModel:
    torch.manual_seed(0)
    return make().eval()


@pytest.mark.parametrize("name", MODELS)
def test_models_blend_as_the_reference_does(name: str) -> None:
    model, untouched = made_by(MODELS[name]), made_by(MODELS[name])
    parts = segments(model, texts())
    total = len(whole(parts)[0])
    chosen = torch.zeros(total, dtype=torch.bool)
    made = blended(model, parts, "naive")
    assert torch.allclose(made.logits, reference(untouched, parts, chosen), atol=2e-3, rtol=2e-3)
    first = torch.cat([torch.arange(len(one.tokens)) < 4 for one in parts])
    made = blended(model, parts, "epic", tokens=4)
    assert torch.allclose(made.logits, reference(untouched, parts, first), atol=2e-3, rtol=2e-3)
    cache, logits = plain(model, whole(parts))
    exact = blended(model, parts, "cacheblend", recompute=1.0)
    assert close(exact.cache, cache, 2e-3)
    assert torch.allclose(exact.logits, logits, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("name", REFUSED)
def test_models_whose_keys_cannot_be_turned_are_refused(name: str) -> None:
    model = made_by(REFUSED[name])
    with pytest.raises(InvalidInput):
        blended(model, [Segment(words(5, 0))])
    with pytest.raises(InvalidInput):
        chunk(model, words(5, 0))


def test_what_does_not_fit_is_refused(model: PreTrainedModel) -> None:
    parts = segments(model, texts())
    other = chunk(tiny_llama(layers=2), texts()[0])
    wider = chunk(tiny_llama(head_dim=32), texts()[0], (1,))
    block = parts[0].block
    assert block is not None
    for given, told in (
        ([], "no tokens"),
        ([Segment(words(9, 50), block)], "other tokens"),
        ([Segment(texts()[0], other), parts[-1]], "compute them with"),
        ([Segment(texts()[0], wider), parts[-1]], "heads and channels"),
    ):
        with pytest.raises(InvalidInput, match=told):
            blended(model, given)
    with pytest.raises(InvalidInput, match="starts at 0"):
        blended(model, parts, prefix=chunk(model, texts()[0], (1,)))
    with pytest.raises(UnknownName):
        blended(model, parts, "cachblend")
    with pytest.raises(InvalidInput, match="layers 1 to 2"):
        blended(model, parts, "cacheblend", check_layer=3)
    with pytest.raises(InvalidInput, match="at least one token"):
        chunk(model, words(0, 0))


def test_a_chunk_behind_a_head_has_the_key_of_the_block_that_follows_it() -> None:
    root = "00" * 32
    assert chunk_key(root, [5, 6]) == chain(root, [5, 6], 2)[0]
    assert chunk_key(root, [5, 6], [3, 4]) == chain(root, [3, 4, 5, 6], 2)[1]
    assert chunk_key(root, [5, 6], [3]) != chunk_key(root, [5, 6])
