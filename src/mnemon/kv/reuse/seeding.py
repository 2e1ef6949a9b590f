"""Taking blocks out of a cache, and beginning a cache with one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.cache import KVCache
from mnemon.kv.reuse.block import Block

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def check_reusable(model: PreTrainedModel) -> None:
    """Raise unless all of the model's layers keep all tokens.

    Raises:
        InvalidInput: some layer has a sliding window, linear attention or shared keys.
    """
    native = seam.native_layers(model)
    other = [type(layer).__name__ for layer in native if not seam.is_full(layer)]
    if other or not native:
        raise InvalidInput(
            f"keys and values can be kept for models whose layers all have full attention;"
            f" {type(model).__name__} has {len(other)} of {len(native)} with {other[:1] or 'none'}"
        )


def taken(cache: KVCache, tokens: Tensor, begin: int, end: int) -> Block:
    """The tokens `begin … end` that an uncompressed cache of one sequence holds, copied out.

    Args:
        tokens: ids of everything the cache has seen, `[T]`.

    Raises:
        InvalidInput: it holds several sequences, padding or compressed tokens, or fewer tokens.
    """
    if cache.compresses or cache.valid is not None or len(cache.started) != 1:
        raise InvalidInput("blocks are taken from a KVCache of one sequence, unpadded, budget 1.0")
    if not 0 <= begin < end <= cache.slots or len(tokens) < end:
        raise InvalidInput(f"the cache holds {cache.slots} tokens: it has no {begin} to {end}")
    held = [layer.held for layer in cache.compressed]
    return Block(
        tokens=tokens[begin:end].to("cpu", torch.int32),
        keys=tuple(keys[0, :, begin:end].clone() for keys, _ in held),
        values=tuple(values[0, :, begin:end].clone() for _, values in held),
        start=begin,
    )


def seeded(model: PreTrainedModel, block: Block | None) -> KVCache:
    """A cache of one sequence that has seen a block's tokens without computing them.

    It shares the block's tensors and never writes into them: what is appended goes into new ones.

    Raises:
        InvalidInput: the block is not of this model's shape or type, or does not start at 0.
    """
    check_reusable(model)
    cache = KVCache(model, policy="recency", budget=1.0)
    if block is None or not len(block):
        return cache
    if block.start != 0 or len(block.keys) != len(cache.layers):
        raise InvalidInput(
            f"a cache begins with a block that starts at 0 and has {len(cache.layers)} layers,"
            f" not one that starts at {block.start} and has {len(block.keys)}"
        )
    for layer, keys, values in zip(cache.compressed, block.keys, block.values, strict=True):
        layer.keys, layer.values = keys[None], values[None]
        layer.seen, layer.is_initialized = len(block), True
    device = block.keys[0].device
    cache.slots = len(block)
    cache.positions = torch.arange(len(block), dtype=torch.int32, device=device)[None]
    cache.real = torch.tensor([len(block)])
    cache.fresh = cache.real.clone()
    cache.started = torch.zeros(1, dtype=torch.bool)
    return cache
