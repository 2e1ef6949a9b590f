"""Tiny random models and what tests do with them."""

from __future__ import annotations

import inspect
from functools import cache as kept
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel


def tiny_llama(
    layers: int = 3,
    hidden: int = 64,
    heads: int = 4,
    kv_heads: int = 2,
    head_dim: int = 16,
    vocab: int = 97,
    seed: int = 0,
    **config: Any,
) -> PreTrainedModel:
    """A Llama of random weights, float32, large enough in scale that attention is not flat."""
    torch.manual_seed(seed)
    made = LlamaConfig(
        vocab_size=vocab,
        hidden_size=hidden,
        intermediate_size=hidden + hidden // 2,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=head_dim,
        max_position_embeddings=4096,
        initializer_range=0.2,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=None,
        **config,
    )
    return LlamaForCausalLM(made).eval()


def text(tokens: int, batch: int = 1, vocab: int = 97, seed: int = 0) -> Tensor:
    """Random token ids `[batch, tokens]` without padding."""
    maker = torch.Generator().manual_seed(seed)
    return torch.randint(2, vocab, (batch, tokens), generator=maker)


def forward(model: PreTrainedModel, ids: Tensor, cache: Any = None, **more: Any) -> Tensor:
    """Logits `[B, T, V]` of one pass; the cache goes by the name this transformers has for it."""
    with torch.no_grad():
        logits: Tensor = model(ids, **named(model, cache), **more).logits
    return logits


def named(model: PreTrainedModel, cache: Any) -> dict[str, Any]:
    """The cache as an argument of a call or of `generate`: its name changed in 5.24."""
    return {"cache" if _new(type(model)) else "past_key_values": cache}


@kept
def _new(kind: type[PreTrainedModel]) -> bool:
    return "cache" in inspect.signature(kind.forward).parameters


def greedy(
    model: PreTrainedModel, ids: Tensor, cache: Any, steps: int = 8, mask: Tensor | None = None
) -> Tensor:
    """The next `steps` tokens, each the likeliest, `[B, steps]`."""
    found: list[Tensor] = []
    step = ids
    for _ in range(steps):
        more = {} if mask is None else {"attention_mask": mask}
        step = forward(model, step, cache, **more)[:, -1:].argmax(-1)
        found.append(step)
        if mask is not None:
            mask = torch.cat([mask, torch.ones_like(step)], 1)
    return torch.cat(found, 1)


def padded(texts: list[Tensor], pad: int = 0) -> tuple[Tensor, Tensor]:
    """Texts `[1, T_i]` as a left-padded batch: ids and mask, `[B, T]`."""
    longest = max(one.shape[1] for one in texts)
    ids = torch.full((len(texts), longest), pad)
    mask = torch.zeros_like(ids)
    for row, one in enumerate(texts):
        ids[row, longest - one.shape[1] :] = one[0]
        mask[row, longest - one.shape[1] :] = 1
    return ids, mask
