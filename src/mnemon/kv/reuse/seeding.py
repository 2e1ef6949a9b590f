"""Taking blocks out of a cache, and beginning a cache with one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import compression, seam
from mnemon.kv.budget import Budget
from mnemon.kv.cache import KVCache
from mnemon.kv.needs import Need
from mnemon.kv.policy import Policy
from mnemon.kv.reuse.block import Block
from mnemon.kv.room import together

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

_NOT_KEPT = {Need.QUERIES, Need.ALL_QUERIES, Need.HIDDEN, Need.SURPRISAL, Need.ROUNDS}
"""What a forward pass shows to a policy, and a block does not keep."""


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
    _check_plain(cache)
    if not 0 <= begin < end <= cache.slots or len(tokens) < end:
        raise InvalidInput(f"the cache holds {cache.slots} tokens: it has no {begin} to {end}")
    held = [layer.held for layer in cache.compressed]
    return Block(
        tokens=tokens[begin:end].to("cpu", torch.int32),
        keys=tuple(keys[0, :, begin:end].clone() for keys, _ in held),
        values=tuple(values[0, :, begin:end].clone() for _, values in held),
        start=begin,
    )


def everything(cache: KVCache, tokens: Sequence[int]) -> Block:
    """All that an uncompressed cache of one sequence holds, as a block; nothing is copied.

    Args:
        tokens: ids of everything the cache has seen.
    """
    _check_plain(cache)
    held = [layer.held for layer in cache.compressed]
    return Block(
        tokens=torch.tensor(tokens, dtype=torch.int32),
        keys=tuple(keys[0] for keys, _ in held),
        values=tuple(values[0] for _, values in held),
    )


def seeded(
    model: PreTrainedModel,
    block: Block | Sequence[Block] | None,
    policy: Policy | str = "recency",
    budget: Budget | float | int | str = 1.0,
    *,
    room: int = 0,
) -> KVCache:
    """A cache of one sequence that has seen a block's tokens without computing them.

    It shares the tensors of a single block and never writes into them: what is appended goes into
    new ones. Several blocks are copied into one tensor a layer.
    Under a budget it is compressed at once, as it would be after a pass over these tokens.

    Args:
        block: one, or several that follow each other.
        policy: what the cache compresses itself with from now on; one that never looks at
            queries. budget: as of `KVCache`; at 1.0 nothing is compressed.
        room: how many more tokens there is place for without moving those of the blocks; then
            a single block is copied too.

    Raises:
        InvalidInput: the block is not of this model's shape or type, or does not start at 0; the
            policy needs what only a forward pass shows.
    """
    check_reusable(model)
    cache = KVCache(model, policy=policy, budget=budget)
    if cache.compresses:
        check_keepable(cache.policy)
    blocks = [block] if isinstance(block, Block) else list(block or ())
    blocks = [one for one in blocks if len(one)]
    if blocks:
        _check_fit(cache, blocks)
        _fill(cache, blocks, room)
        if cache.compresses:
            compression.run(cache, cache.slots, torch.empty(0))  # nothing that reads hidden states
    return cache


def extend(cache: KVCache, blocks: Sequence[Block]) -> None:
    """Let an uncompressed cache of one sequence see blocks that follow what it has seen.

    Raises:
        InvalidInput: a cache that is compressed or empty, or blocks that do not follow.
    """
    _check_plain(cache)
    if not blocks:
        return
    _check_fit(cache, blocks, cache.slots)
    assert cache.positions is not None and cache.real is not None
    more = sum(len(one) for one in blocks)
    for layer in cache.compressed:
        for block in blocks:
            layer.append(block.keys[layer.index][None], block.values[layer.index][None])
        layer.seen += more
    cache.positions = torch.arange(
        cache.slots + more, dtype=torch.int32, device=cache.positions.device
    )[None]
    cache.slots += more
    cache.real, cache.fresh = cache.real + more, cache.fresh + more


def _check_fit(cache: KVCache, blocks: Sequence[Block], start: int = 0) -> None:
    layers = {len(one.keys) for one in blocks}
    ends = [start, *(one.end for one in blocks)]
    if [one.start for one in blocks] != ends[:-1] or layers != {len(cache.layers)}:
        given = [(one.start, one.end) for one in blocks]
        raise InvalidInput(
            f"a cache takes blocks of {len(cache.layers)} layers that follow each other from"
            f" {start} on, not {given} of {sorted(layers)} layers"
        )


def _fill(cache: KVCache, blocks: Sequence[Block], room: int) -> None:
    seen = blocks[-1].end
    for layer in cache.compressed:
        parts = [(one.keys[layer.index][None], one.values[layer.index][None]) for one in blocks]
        if len(parts) == 1 and not room:
            layer.keys, layer.values = parts[0]
        else:
            layer.room, layer.keys, layer.values = together(parts, room)
        layer.seen, layer.is_initialized = seen, True
    begin_at(cache, seen, blocks[0].keys[0].device)


def begin_at(cache: KVCache, tokens: int, device: torch.device) -> None:
    """Have an empty cache count so many tokens of one sequence as seen."""
    cache.slots = tokens
    cache.positions = torch.arange(tokens, dtype=torch.int32, device=device)[None]
    cache.real = torch.tensor([tokens])
    cache.fresh = cache.real.clone()
    cache.started = torch.zeros(1, dtype=torch.bool)


def check_keepable(policy: Policy) -> None:
    """Raise unless a policy compresses kept keys and values as it would those just computed.

    Raises:
        InvalidInput: it looks at the question, or needs what only a forward pass shows.
    """
    if policy.question == "aware":
        raise InvalidInput(
            f"policy {str(policy)!r} keeps what the newest queries ask for, and kept keys and"
            " values serve any question: choose one that is agnostic, such as 'keydiff'"
        )
    missing = sorted(need.value for need in policy.needs & _NOT_KEPT)
    if policy.retrieve is not None or missing:
        lacking = ", ".join(missing) or "a place that it retrieves from"
        raise InvalidInput(
            f"policy {str(policy)!r} needs {lacking}, which is not kept with keys and values:"
            " choose another, such as 'keydiff'"
        )


def _check_plain(cache: KVCache) -> None:
    if cache.compresses or cache.apart or cache.valid is not None or len(cache.started) != 1:
        raise InvalidInput("blocks are taken from a KVCache of one sequence, unpadded, budget 1.0")
