"""A step decodes what the model itself would."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from mnemon.errors import InvalidInput
from mnemon.kv.decode.greedy import generate
from mnemon.kv.decode.rows import PackedRows, pack, quantize
from mnemon.kv.decode.step import GraphStep

transformers = pytest.importorskip("transformers")

SHAPE: dict[str, Any] = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 32, "vocab_size": 97, "max_position_embeddings": 512,
    "initializer_range": 0.3, "bos_token_id": None, "eos_token_id": None, "pad_token_id": None,
}  # fmt: skip
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
}  # fmt: skip
FAMILIES: dict[str, dict[str, Any]] = {
    "Llama": {"rope_parameters": LLAMA3, "attention_bias": True},
    "Mistral": {"sliding_window": None},
    "Qwen2": {},
    "Qwen3": {},
}


def make(family: str, **other: Any) -> Any:
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**{**SHAPE, **FAMILIES[family], **other})
    model = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data.add_(0.3 * torch.randn_like(parameter))
    return model


@torch.no_grad()
def prefilled(model: Any, prompt: Tensor) -> list[PackedRows]:
    layers = model(prompt, use_cache=True).past_key_values.layers
    return [pack(layer.keys, layer.values) for layer in layers]


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_the_models_own(family: str) -> None:
    model = make(family)
    tokens = torch.randint(0, 97, (2, 50))
    with torch.no_grad():
        expected = model(tokens).logits
    step = GraphStep(model, prefilled(model, tokens[:, :30]), position=30, tail=70)
    for index in range(30, 50):
        assert_close(step(tokens[:, index]), expected[:, index], rtol=1e-3, atol=1e-3)
    assert step.place.length.item() == 20
    assert step.place.position.tolist() == [50, 50]


def test_the_model_still_works_and_holds_its_weights_once() -> None:
    model = make("Llama")
    tokens = torch.randint(0, 97, (1, 12))
    with torch.no_grad():
        before = model(tokens).logits
        step = GraphStep(model, prefilled(model, tokens), position=12)
        assert_close(model(tokens).logits, before, rtol=0, atol=0)
    attention = model.model.layers[0].self_attn
    weight = step.weights.layers[0].qkv
    assert attention.v_proj.weight.untyped_storage().data_ptr() == weight.data_ptr()
    again = GraphStep(model, step.rows, position=12)
    assert again.weights.layers[0].qkv.data_ptr() == weight.data_ptr()


def test_generating_is_greedy() -> None:
    model = make("Qwen3")
    tokens = torch.randint(0, 97, (2, 20))
    step = GraphStep(model, prefilled(model, tokens[:, :-1]), position=19)
    made = generate(step, tokens[:, -1], 15)
    with torch.no_grad():
        logits = model(torch.cat([tokens, made], 1)).logits[:, 19:-1]
    assert made.equal(logits.argmax(-1))
    more = generate(step, made[:, -1], 5)
    with torch.no_grad():
        logits = model(torch.cat([tokens, made, more], 1)).logits[:, 34:-1]
    assert more.equal(logits.argmax(-1))


def test_generating_ends_when_every_sequence_has_stopped() -> None:
    model = make("Qwen3")
    tokens = torch.randint(0, 97, (2, 20))
    rows = prefilled(model, tokens[:, :-1])
    free = generate(GraphStep(model, rows, position=19), tokens[:, -1], 40)
    stop = int(free[0, 3])
    made = generate(GraphStep(model, rows, position=19), tokens[:, -1], 40, stop=stop)
    for one, other in zip(made.tolist(), free.tolist(), strict=True):
        end = other.index(stop) + 1 if stop in other else len(one)
        assert one == (other[:end] + [stop] * 40)[: len(one)]


def test_low_bit_rows_decode_as_what_they_stand_for() -> None:
    model = make("Llama")
    tokens = torch.randint(0, 97, (1, 64))
    rows = prefilled(model, tokens)
    exact = GraphStep(model, rows, position=64)(tokens[:, 0])
    apart = {}
    for bits in (8, 4, 2):
        step = GraphStep(model, [quantize(one, bits) for one in rows], position=64)
        apart[bits] = float((step(tokens[:, 0]) - exact).norm() / exact.norm())
    assert apart[8] < 0.02
    assert apart[8] < apart[4] < apart[2]


def test_a_full_tail_is_told() -> None:
    model = make("Llama")
    tokens = torch.randint(0, 97, (1, 8))
    step = GraphStep(model, prefilled(model, tokens), position=8, tail=3)
    with pytest.raises(InvalidInput, match="room for 3 more tokens, not 4"):
        generate(step, tokens[:, 0], 4)
    generate(step, tokens[:, 0], 3)
    with pytest.raises(InvalidInput, match="room for 3 tokens and is full"):
        step(tokens[:, 0])


def test_a_step_goes_on_from_recent_tokens() -> None:
    model = make("Llama")
    tokens = torch.randint(0, 97, (1, 40))
    first = GraphStep(model, prefilled(model, tokens[:, :30]), position=30)
    for index in range(30, 39):
        first(tokens[:, index])
    again = GraphStep(model, first.rows, position=39, tails=first.tails)
    with torch.no_grad():
        expected = model(tokens).logits[:, -1]
    assert_close(again(tokens[:, 39]), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("family", "other", "told"),
    [
        ("Mistral", {"sliding_window": 16}, "sliding windows"),
        ("Llama", {"hidden_act": "gelu"}, "with SiLU"),
        ("Llama", {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0}}, "'dynamic'"),
    ],
)
def test_models_it_cannot_do_are_refused(family: str, other: dict[str, Any], told: str) -> None:
    if "rope_parameters" in other:
        other = {"rope_parameters": {**other["rope_parameters"], "rope_theta": 10000.0}}
    with pytest.raises(InvalidInput, match=told):
        GraphStep(make(family, **other), [], position=0)


def test_other_families_and_missing_layers_are_refused() -> None:
    model = make("Llama")
    rows = prefilled(model, torch.randint(0, 97, (1, 4)))
    with pytest.raises(InvalidInput, match="1 layers are stored and the model has 2"):
        GraphStep(model, rows[:1], position=4)
    one = prefilled(model, torch.randint(0, 97, (3, 4)))
    with pytest.raises(InvalidInput, match=r"store \[2, 6\] rows"):
        GraphStep(model, [rows[0], one[1]], position=4)
    model.config.model_type = "gpt2"
    with pytest.raises(InvalidInput, match="'gpt2'"):
        GraphStep(model, rows, position=4)


def test_adapters_and_quantized_layers_are_refused() -> None:
    class Adapted(torch.nn.Linear):
        pass

    model = make("Llama")
    rows = prefilled(model, torch.randint(0, 97, (1, 4)))
    model.model.layers[1].mlp.down_proj = Adapted(96, 64, bias=False)
    with pytest.raises(InvalidInput, match=r"down_proj is a Adapted .* merge adapters"):
        GraphStep(model, rows, position=4)
