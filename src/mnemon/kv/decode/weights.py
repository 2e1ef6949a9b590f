"""A Llama-shaped model's weights, by the public names of its modules in transformers.

Projections that are read together are laid one after another in one tensor, and the model's own
parameters become views of it: the model works as before, and nothing is held twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mnemon.errors import InvalidInput
from mnemon.kv.decode.gemv import Norm

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")


@dataclass(frozen=True)
class LayerWeights:
    """One layer's.

    `qkv` [(Hq + 2 Hkv) D, K], `output` [K, Hq D], `gate_up` [2 F, K], `down` [K, F].
    """

    attention_norm: Norm
    qkv: Tensor
    qkv_bias: Tensor | None
    head_norms: tuple[Norm, Norm] | None
    output: Tensor
    output_bias: Tensor | None
    mlp_norm: Norm
    gate_up: Tensor
    down: Tensor


@dataclass(frozen=True)
class ModelWeights:
    """All of it, with the shapes that a step needs."""

    embedding: Tensor
    layers: tuple[LayerWeights, ...]
    norm: Norm
    head: Tensor
    query_heads: int
    key_heads: int
    head_size: int
    frequencies: Tensor
    scaling: float

    @property
    def nbytes(self) -> int:
        """Bytes that one decoding step reads: all but the embedding, of which it reads a row."""
        parts = [self.head]
        for layer in self.layers:
            parts += [layer.qkv, layer.output, layer.gate_up, layer.down]
        return sum(part.nbytes for part in parts)


def read_weights(model: Any) -> ModelWeights:
    """The weights of a transformers `...ForCausalLM`. Raises `InvalidInput` for other shapes."""
    config = model.config
    _refuse(config)
    _refuse_linears(model)
    rotary = model.model.rotary_emb
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return ModelWeights(
        embedding=model.model.embed_tokens.weight.detach(),
        layers=tuple(_layer(layer) for layer in model.model.layers),
        norm=_norm(model.model.norm),
        head=model.lm_head.weight.detach(),
        query_heads=config.num_attention_heads,
        key_heads=config.num_key_value_heads,
        head_size=size,
        frequencies=rotary.inv_freq.detach().float(),
        scaling=float(rotary.attention_scaling),
    )


def _refuse(config: Any) -> None:
    kind = getattr(config, "model_type", "unknown")
    if kind not in FAMILIES:
        raise InvalidInput(
            f"a decoding step cannot be built for a model of type {kind!r}: "
            f"it knows {', '.join(FAMILIES)}; decode with the model itself"
        )
    if config.hidden_act != "silu" or getattr(config, "mlp_bias", False):
        raise InvalidInput(
            "a decoding step needs an MLP with SiLU and without bias, "
            f"not {config.hidden_act!r}; decode with the model itself"
        )
    windows = set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
    if windows or (kind == "mistral" and config.sliding_window):
        raise InvalidInput(
            "a decoding step attends to all that is stored, and this model has sliding windows: "
            "decode with the model itself"
        )
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    if rope.get("rope_type", "default") in ("dynamic", "longrope"):
        raise InvalidInput(
            f"rotary embedding of type {rope['rope_type']!r} changes with the length: "
            "decode with the model itself"
        )


def _refuse_linears(model: Any) -> None:
    """Adapters and quantized layers have weights that are not the whole truth."""
    for name, module in model.named_modules():
        last = name.rpartition(".")[2]
        if (last.endswith("_proj") or last == "lm_head") and type(module) is not nn.Linear:
            raise InvalidInput(
                f"{name} is a {type(module).__name__} and a decoding step reads plain weights: "
                "merge adapters and load without quantization, or decode with the model itself"
            )
    places = {(one.device, one.dtype) for one in model.parameters()}
    if len(places) > 1:
        raise InvalidInput(
            "a decoding step needs all weights on one device and of one type, not on "
            f"{sorted(map(str, places))}"
        )


def _layer(layer: Any) -> LayerWeights:
    attention, mlp = layer.self_attn, layer.mlp
    linears = [attention.q_proj, attention.k_proj, attention.v_proj]
    norms = None
    if hasattr(attention, "q_norm"):
        norms = (_norm(attention.q_norm), _norm(attention.k_norm))
    has_bias = attention.q_proj.bias is not None
    output_bias = attention.o_proj.bias
    return LayerWeights(
        attention_norm=_norm(layer.input_layernorm),
        qkv=together([one.weight for one in linears]),
        qkv_bias=together([one.bias for one in linears]) if has_bias else None,
        head_norms=norms,
        output=attention.o_proj.weight.detach(),
        output_bias=None if output_bias is None else output_bias.detach(),
        mlp_norm=_norm(layer.post_attention_layernorm),
        gate_up=together([mlp.gate_proj.weight, mlp.up_proj.weight]),
        down=mlp.down_proj.weight.detach(),
    )


def _norm(module: Any) -> Norm:
    return Norm(module.weight.detach(), float(module.variance_epsilon))


def together(parameters: list[nn.Parameter]) -> Tensor:
    """The parameters joined along the first axis; each becomes a view of what is returned."""
    first = parameters[0]
    size = sum(len(one) for one in parameters)
    if _adjacent(parameters):
        return torch.as_strided(first.detach(), (size, *first.shape[1:]), first.stride())
    joined = torch.cat([one.detach() for one in parameters])
    start = 0
    for one in parameters:
        one.data = joined[start : start + len(one)]
        start += len(one)
    return joined


def _adjacent(parameters: list[nn.Parameter]) -> bool:
    places = [one.data_ptr() for one in parameters]
    ends = [one.data_ptr() + one.nbytes for one in parameters]
    storages = {one.untyped_storage().data_ptr() for one in parameters}
    return len(storages) == 1 and places[1:] == ends[:-1]
