"""From a compressed cache to fast decoding: a step over what a `KVCache` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mnemon.errors import InvalidInput
from mnemon.kv import packed
from mnemon.kv.decode.rows import LowBitRows, PackedRows, Tail
from mnemon.kv.decode.step import GraphStep

if TYPE_CHECKING:
    from mnemon.kv.cache import KVCache
    from mnemon.kv.layer import KVLayer
    from mnemon.kv.stored import Stored

PLAIN = {"keys", "values"}
CODES = {"key_codes", "key_scale", "key_zero", "value_codes", "value_scale", "value_zero"}


def step_over(model: Any, cache: KVCache, *, room: int = 128) -> GraphStep:
    """A step that goes on from the cache after prefill, with room for `room` new tokens.

    Stored tokens are read where they are; the newest, uncompressed ones are copied. The cache
    itself stays as it is and does not see the new tokens.

    Raises `InvalidInput` for a cache that is empty, padded, rotated again or keeps tokens
    elsewhere, and for stored forms that no kernel reads.
    """
    layers = cache.compressed
    if cache.positions is None or len(layers) != len(cache.layers):
        raise InvalidInput(
            "a decoding step goes on from a cache that has seen a prompt, of a model that attends "
            "to everything: run the model on the prompt first"
        )
    if cache.tail_padding() is not None:
        raise InvalidInput("a decoding step takes no padding: decode sequences of equal length")
    if cache.policy.rerotate or cache.policy.retrieve is not None:
        raise InvalidInput(
            "a decoding step reads all that is stored, at its own positions: take a policy without "
            "`rerotate` and `retrieve`, or decode with the model itself"
        )
    length = torch.full((1,), layers[0].tail, dtype=torch.int32, device=cache.positions.device)
    rows = [_rows(layer) for layer in layers]
    tails = [_tail(layer, length, room) for layer in layers]
    return GraphStep(model, rows, position=cache.positions[:, -1].long() + 1, tails=tails)


def _tail(layer: KVLayer, length: Tensor, room: int) -> Tail:
    keys, values = layer.keys, layer.values
    assert keys is not None and values is not None
    batch, heads, held, size = keys.shape
    both = torch.zeros(2, batch, heads, held + room, size, dtype=keys.dtype, device=keys.device)
    both[0, :, :, :held] = keys
    both[1, :, :, :held] = values
    return Tail(both[0], both[1], length)


def _rows(layer: KVLayer) -> PackedRows | LowBitRows:
    keys = layer.keys
    assert keys is not None
    starts = packed.starts_of(layer.stored_lengths(), keys.device)
    if not layer.stores:
        nothing = keys.new_zeros(0, keys.shape[-1])
        return PackedRows(nothing, nothing, starts)
    names = {frozenset(store.parts) for store in layer.stores}
    if names == {frozenset(PLAIN)}:
        parts = _joined(layer.stores)
        return PackedRows(parts["keys"], parts["values"], starts)
    spans = {span for store in layer.stores for name, span in store.spans.items() if "key_" in name}
    if names != {frozenset(CODES)} or len(spans - {1}) != 1:
        raise InvalidInput(
            f"no kernel reads tokens stored as {sorted(set().union(*names))}: take the policy's "
            "`compress` as drop or kivi, or decode with the model itself"
        )
    return _low_bit(_joined(layer.stores), starts, max(spans))


def _low_bit(parts: dict[str, Tensor], starts: Tensor, group: int) -> LowBitRows:
    size, values = parts["key_scale"].shape[-1], parts["value_scale"].shape[-1] * group
    bits = parts["key_codes"].shape[-1] * 8 // size
    if parts["value_codes"].shape != parts["key_codes"].shape or size != values:
        raise InvalidInput(
            "keys and values must be stored in the same number of bits and groups of the same size"
        )
    return LowBitRows(**parts, starts=starts, bits=bits, group=group)


def _joined(stores: list[Stored]) -> dict[str, Tensor]:
    """Each part of all the stores, row by row."""
    return {
        name: packed.concat(
            [store.parts[name] for store in stores],
            [store.lengths // stores[0].spans[name] for store in stores],
        )
        for name in stores[0].parts
    }
