"""From a compressed cache to fast decoding: a step over what a `KVCache` holds."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mnemon.errors import InvalidInput
from mnemon.kv import packed
from mnemon.kv.compress.drop import Drop
from mnemon.kv.decode.handing import Origin
from mnemon.kv.decode.rows import LowBitRows, PackedRows, Tail
from mnemon.kv.decode.step import GraphStep

if TYPE_CHECKING:
    from mnemon.kv.cache import KVCache
    from mnemon.kv.layer import KVLayer
    from mnemon.kv.stored import Stored

CODES = {"key_codes", "key_scale", "key_zero", "value_codes", "value_scale", "value_zero"}
_FEW = 64


def step_over(model: Any, cache: KVCache, *, room: int = 128) -> GraphStep:
    """A step that goes on from the cache after prefill, with room for `room` new tokens.

    Stored tokens are read where they are; the newest, uncompressed ones are copied. The cache
    itself stays as it is until `hand_back(step, cache)` gives it the new tokens.

    Raises `InvalidInput` for a cache that is empty, padded, rotated again or keeps tokens
    elsewhere, and for stored forms that no kernel reads.
    """
    layers = cache.compressed
    if cache.positions is None or len(layers) != len(cache.layers):
        raise InvalidInput(
            "a decoding step goes on from a cache that has seen a prompt, of a model that attends "
            "to everything: run the model on the prompt first"
        )
    if cache.apart:
        raise InvalidInput("a decoding step reads no shared blocks: decode with the model itself")
    if cache.tail_padding() is not None:
        raise InvalidInput("a decoding step takes no padding: decode sequences of equal length")
    if cache.policy.retrieve is not None:
        raise InvalidInput(
            "a decoding step is one captured graph, and a retrieve method chooses on the host, in "
            "each pass, which tokens are read: decode with the model itself, or fetch pages that "
            "you choose with `mnemon.kv.decode.fetch`"
        )
    if cache.policy.rerotate:
        raise InvalidInput(
            "a decoding step reads what is stored at its own positions: take a policy without "
            "`rerotate`, or decode with the model itself"
        )
    first = _first(layers)
    held = first + layers[0].tail
    length = torch.full((1,), held, dtype=torch.int32, device=cache.positions.device)
    rows = [_rows(layer, layer.stores[bool(first) :]) for layer in layers]
    tails = [_tail(layer, length, room, first) for layer in layers]
    position = cache.positions[:, -1].long() + 1
    origin = Origin(weakref.ref(cache), cache.slots, held)
    return GraphStep(model, rows, position=position, tails=tails, origin=origin)


def _first(layers: Sequence[KVLayer]) -> int:
    """How many sinks are stored by themselves: the tail takes them in, a segment would cost time.

    Attention does not ask in which order tokens stand.
    """
    stores = [layer.stores[0] for layer in layers if len(layer.stores) > 1]
    lengths = {length for store in stores for length in store.lengths.flatten().tolist()}
    apart = len(stores) == len(layers) and all(isinstance(one.codec, Drop) for one in stores)
    return lengths.pop() if apart and len(lengths) == 1 and max(lengths) <= _FEW else 0


def _tail(layer: KVLayer, length: Tensor, room: int, first: int) -> Tail:
    keys, values = layer.held
    batch, heads, _, size = keys.shape
    if first:
        parts = layer.stores[0].parts
        sinks = (parts[name].view(batch, heads, first, size) for name in ("keys", "values"))
        keys, values = (torch.cat(pair, 2) for pair in zip(sinks, (keys, values), strict=True))
    held = keys.shape[2]
    both = torch.zeros(2, batch, heads, held + room, size, dtype=keys.dtype, device=keys.device)
    both[0, :, :, :held] = keys
    both[1, :, :, :held] = values
    return Tail(both[0], both[1], length)


def _rows(layer: KVLayer, stores: Sequence[Stored]) -> tuple[PackedRows | LowBitRows, ...]:
    """A segment for each form that tokens of the layer are stored in."""
    keys = layer.keys
    assert keys is not None
    if not stores:
        nothing = keys.new_zeros(0, keys.shape[-1])
        starts = packed.starts_of(layer.stored_lengths(), keys.device)
        return (PackedRows(nothing, nothing, starts),)
    forms: dict[tuple[tuple[str, torch.Size, int], ...], list[Stored]] = {}
    for store in stores:
        form = tuple(
            (name, part.shape[1:], store.spans[name]) for name, part in store.parts.items()
        )
        forms.setdefault(form, []).append(store)
    return tuple(_segment(stores) for stores in forms.values())


def _segment(stores: list[Stored]) -> PackedRows | LowBitRows:
    parts = _joined(stores)
    lengths = sum((store.lengths for store in stores[1:]), stores[0].lengths)
    starts = packed.starts_of(lengths, next(iter(parts.values())).device)
    if set(parts) == {"keys", "values"}:
        return PackedRows(parts["keys"], parts["values"], starts)
    if set(parts) != CODES:
        raise InvalidInput(
            f"no kernel reads tokens stored as {sorted(parts)}: take drop, kivi or graded as the "
            "policy's `compress`, or decode with the model itself"
        )
    size, group = parts["key_scale"].shape[-1], stores[0].spans["key_scale"]
    if parts["value_scale"].shape[-1] * group != size:
        raise InvalidInput(
            f"keys are stored in groups of {group} and values are not: decode with the model itself"
        )
    bits, value_bits = (parts[name].shape[-1] * 8 // size for name in ("key_codes", "value_codes"))
    return LowBitRows(**parts, starts=starts, bits=bits, value_bits=value_bits, group=group)


def _joined(stores: list[Stored]) -> dict[str, Tensor]:
    """Each part of stores of one form, row by row."""
    return {
        name: packed.concat(
            [store.parts[name] for store in stores],
            [store.lengths // stores[0].spans[name] for store in stores],
        )
        for name in stores[0].parts
    }
