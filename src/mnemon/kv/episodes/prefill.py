"""Block-wise prefill: after each block, a prompt scores what is held and the rest goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.cache import KVCache
from mnemon.kv.episodes.patched import Patched
from mnemon.kv.plan import token_bytes
from mnemon.kv.policy import Policy

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Weights:
    """What one token takes of one model.

    Attributes:
        token: bytes of keys and values over all layers. query: bytes of its queries.
    """

    token: int
    query: int


def weights(model: PreTrainedModel) -> Weights:
    """Measured on a pass of one token."""
    cache = KVCache(model, "recency", 1.0)
    with torch.inference_mode():
        seam.forward(model, torch.zeros(1, 1, dtype=torch.long, device=model.device), cache)
    heads = seam.text_config(model).num_attention_heads
    keys = [layer.held[0] for layer in cache.compressed]
    query = sum(heads * one.shape[3] * one.dtype.itemsize for one in keys)
    return Weights(token_bytes(cache.compressed), query)


def policy_for(prompt: int, allocate: Any, compress: Any, sinks: int) -> Policy:
    """The policy under which a prompt of so many tokens, each time the newest, keeps what it can.

    It is `agnostic`: no question of a user is among what it scores by.
    """
    return Policy(
        score=Patched(prompt),
        allocate=allocate,
        compress=compress,
        sinks=sinks,
        window=prompt,
        block=1,
    )


def at_once(weights: Weights, block: int, prompt: int) -> int:
    """Tokens of text in one pass, so that they, the prompt and its queries weigh a block at most.

    Raises:
        InvalidInput: the prompt leaves no room.
    """
    if not prompt:
        raise InvalidInput("a scoring prompt has one token or more: take one medoid at least")
    own = prompt + ceil(prompt * weights.query / weights.token)
    if own >= block:
        raise InvalidInput(
            f"a scoring prompt of {prompt} tokens takes {own} of a block of {block}: give a larger"
            " block, or segments of fewer turns"
        )
    return block - own


def prefill(
    model: PreTrainedModel, tokens: Tensor, prompt: Tensor, policy: Policy, budget: int, step: int
) -> tuple[KVCache, int]:
    """A cache that has seen `tokens` `[T]` and holds `budget` of them, and its greatest bytes.

    The prompt `[P]` stands after each `step` tokens while those are scored, and is taken back: it
    is in no later token's past. The bytes are what the cache holds when a pass ends, before it is
    compressed; copies that one compression works on are not in it.
    """
    cache = KVCache(model, policy, budget + len(prompt))
    with torch.inference_mode(), watching(model, cache) as held:
        for piece in tokens.split(step):
            ids = torch.cat([piece, prompt])[None]
            seam.forward(model, ids, cache, logits_to_keep=1)
            cache.crop(-len(prompt))
    return cache, max(held)


@contextmanager
def watching(model: PreTrainedModel, cache: KVCache) -> Iterator[list[int]]:
    """What the cache holds at the end of each pass, before it is compressed."""
    held: list[int] = []

    def note(module: nn.Module, args: Any, output: Any) -> None:
        if seam.current() is cache:
            held.append(cache.nbytes)

    handle = seam.decoder(model).register_forward_hook(note, prepend=True)
    try:
        yield held
    finally:
        handle.remove()
