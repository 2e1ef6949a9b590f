"""A KVCache on every kind of model: the same text at budget 1.0, batches as if alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers as hf
from tests.kv.models import named
from transformers import PreTrainedModel

from mnemon.errors import InvalidInput
from mnemon.kv import KVCache

SIZES: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "initializer_range": 0.2,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": None,
}
GROUPED: dict[str, Any] = {**SIZES, "intermediate_size": 96, "num_key_value_heads": 2}
HEADS: dict[str, Any] = {**GROUPED, "head_dim": 16}
WINDOWED: dict[str, Any] = {**HEADS, "sliding_window": 24, "query_pre_attn_scalar": 16}
MIXED: dict[str, Any] = {
    **HEADS,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "layer_types": ["linear_attention", "full_attention"],
}

SHARED: dict[str, Any] = {  # the last two layers attend to the keys and values of earlier ones
    **{**HEADS, "num_hidden_layers": 4, "sliding_window": 24, "num_kv_shared_layers": 2},
    **{"vocab_size_per_layer_input": 97, "hidden_size_per_layer_input": 16},
    "layer_types": ["sliding_attention", "full_attention"] * 2,
}

MODELS: dict[str, Callable[[], PreTrainedModel]] = {
    "llama": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**HEADS)),
    "mistral": lambda: hf.MistralForCausalLM(hf.MistralConfig(**HEADS, sliding_window=None)),
    "qwen2": lambda: hf.Qwen2ForCausalLM(hf.Qwen2Config(**GROUPED)),
    "qwen3": lambda: hf.Qwen3ForCausalLM(hf.Qwen3Config(**HEADS)),
    "phi3": lambda: hf.Phi3ForCausalLM(hf.Phi3Config(**GROUPED)),
    "gemma2": lambda: hf.Gemma2ForCausalLM(hf.Gemma2Config(**WINDOWED)),
    "gemma3": lambda: hf.Gemma3ForCausalLM(
        hf.Gemma3TextConfig(**WINDOWED, layer_types=["sliding_attention", "full_attention"])
    ),
    "gemma3n": lambda: hf.Gemma3nForCausalLM(
        hf.Gemma3nTextConfig(**SHARED, laurel_rank=4, altup_num_inputs=2)
    ),
    "gemma4": lambda: hf.Gemma4ForCausalLM(hf.Gemma4TextConfig(**SHARED, global_head_dim=16)),
    "llama4": lambda: hf.Llama4ForCausalLM(
        hf.Llama4TextConfig(
            **HEADS,
            intermediate_size_mlp=96,
            num_local_experts=2,
            num_experts_per_tok=1,
            attention_chunk_size=32,
            layer_types=["chunked_attention", "full_attention"],
        )
    ),
    "gpt-neox": lambda: hf.GPTNeoXForCausalLM(hf.GPTNeoXConfig(**SIZES, intermediate_size=96)),
    "opt": lambda: hf.OPTForCausalLM(
        hf.OPTConfig(
            **{k: v for k, v in SIZES.items() if k != "initializer_range"},
            ffn_dim=96,
            word_embed_proj_dim=64,
            init_std=0.2,
        )
    ),
    "qwen3-next (hybrid)": lambda: hf.Qwen3NextForCausalLM(hf.Qwen3NextConfig(**MIXED)),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    torch.manual_seed(0)
    return MODELS[request.param]().eval()


PROMPT = torch.randint(3, 97, (2, 60), generator=torch.Generator().manual_seed(1))
PADDED = torch.ones_like(PROMPT)
PADDED[0, :17] = 0
NEW = 8  # past a block of 64


def generate(model: PreTrainedModel, ids: Any, mask: Any, cache: Any = None) -> list[list[int]]:
    given = {} if cache is None else named(model, cache)
    out = model.generate(
        ids, attention_mask=mask, max_new_tokens=NEW, do_sample=False, pad_token_id=0, **given
    )
    new: list[list[int]] = out[:, ids.shape[1] :].tolist()
    return new


def test_at_budget_one_greedy_text_is_the_same_and_the_model_is_as_before(
    model: PreTrainedModel,
) -> None:
    plain = generate(model, PROMPT, PADDED)
    assert generate(model, PROMPT, PADDED, KVCache(model, "snapkv", 1.0)) == plain
    assert generate(model, PROMPT, PADDED) == plain


@pytest.mark.parametrize(
    ("model", "policy", "budget"),
    [(name, *told) for name in MODELS for told in (("snapkv", 24), ("kivi(bits=4)", 0.5))]
    + [(name, "snapkv", 0.5) for name in ("llama", "qwen3-next (hybrid)")],
    indirect=["model"],
)
def test_a_left_padded_batch_is_compressed_as_if_each_were_alone(
    model: PreTrainedModel, policy: str, budget: float
) -> None:
    together = KVCache(model, policy, budget)
    texts = generate(model, PROMPT, PADDED, together)
    for row, skipped in enumerate((17, 0)):
        alone = KVCache(model, policy, budget)
        ids = PROMPT[row : row + 1, skipped:]
        assert generate(model, ids, torch.ones_like(ids), alone) == [texts[row]]
        assert alone.lengths()[0].tolist() == together.lengths()[row].tolist()


def test_beams_follow_their_own_past(model: PreTrainedModel) -> None:
    told = {"num_beams": 3, "max_new_tokens": 12, "do_sample": False, "pad_token_id": 0}
    plain = model.generate(PROMPT, attention_mask=PADDED, **told)
    cache = named(model, KVCache(model, "recency", 1.0))
    assert torch.equal(model.generate(PROMPT, attention_mask=PADDED, **cache, **told), plain)


@pytest.mark.parametrize("budget", [0.6, 0.25, 40])
def test_auto_fits_every_model(model: PreTrainedModel, budget: float) -> None:
    cache = KVCache(model, "auto", budget)
    generate(model, PROMPT.repeat(1, 5), torch.ones_like(PROMPT).repeat(1, 5), cache)
    allowed = budget * (300 + NEW) if budget < 1 else budget
    one = cache.full_nbytes / (2 * (299 + NEW))
    assert cache.nbytes <= 2 * one * (allowed + 70)  # a block, and what fills no group


def test_models_with_nothing_to_compress_are_refused() -> None:
    windows = hf.MistralForCausalLM(hf.MistralConfig(**HEADS, sliding_window=24))
    with pytest.raises(InvalidInput, match="no layer that is full attention"):
        KVCache(windows, "snapkv", 0.5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: hf.T5ForConditionalGeneration(hf.T5Config(vocab_size=97, d_model=32, num_layers=2)),
        lambda: hf.BertLMHeadModel(hf.BertConfig(**{**SIZES, "intermediate_size": 96})),
    ],
    ids=["encoder and decoder", "looks both ways"],
)
def test_what_is_no_causal_language_model_is_refused(make: Callable[[], PreTrainedModel]) -> None:
    with pytest.raises(InvalidInput, match="serves causal language models"):
        KVCache(make(), "recency", 0.5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: hf.DiffLlamaForCausalLM(hf.DiffLlamaConfig(**HEADS)),
        lambda: hf.DeepseekV3ForCausalLM(
            hf.DeepseekV3Config(
                **{**GROUPED, "num_key_value_heads": 4, "first_k_dense_replace": 2},
                **{"q_lora_rank": 32, "kv_lora_rank": 16, "qk_rope_head_dim": 8},
                **{"qk_nope_head_dim": 16, "v_head_dim": 16},
            )
        ),
    ],
    ids=["values are mixed", "keys come of latents"],
)
def test_a_model_that_changes_what_the_cache_gives_is_refused(
    make: Callable[[], PreTrainedModel],
) -> None:
    model = make().eval()
    with pytest.raises(InvalidInput, match="are not those in its cache"):
        generate(model, PROMPT, PADDED, KVCache(model, "recency", 1.0))


def test_passes_that_answer_in_a_tuple_count_too() -> None:
    model = MODELS["llama"]().eval()
    cache = KVCache(model, "recency", 0.5)
    assert isinstance(model(PROMPT, return_dict=False, **named(model, cache)), tuple)
    assert cache.lengths().unique().tolist() == [30]


def test_a_model_with_an_attention_of_its_own_is_refused_and_left_as_it_was() -> None:
    config = hf.GptOssConfig(
        **HEADS,
        num_local_experts=2,
        num_experts_per_tok=1,
        layer_types=["full_attention"] * 2,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
    )
    model = hf.GptOssForCausalLM(config).eval()
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.sinks.normal_(0, 3)
        before = model(PROMPT).logits
        with pytest.raises(InvalidInput, match="has no sdpa attention"):
            KVCache(model, "recency", 0.5)
        assert torch.equal(model(PROMPT).logits, before)


def test_attention_can_be_set_back_and_the_next_cache_works_again() -> None:
    model = MODELS["llama"]().eval()
    old = KVCache(model, "recency", 0.5)
    model.set_attn_implementation("eager")
    assert model(PROMPT, output_attentions=True).attentions
    with pytest.raises(InvalidInput, match="make a new KVCache"):
        generate(model, PROMPT, PADDED, old)
    generate(model, PROMPT, PADDED, KVCache(model, "recency", 0.5))


def test_rotary_policies_are_refused_where_there_is_no_rotary_embedding() -> None:
    with pytest.raises(InvalidInput, match="needs rotary position embedding"):
        KVCache(MODELS["opt"](), "recency + rerotate=true", 0.5)
