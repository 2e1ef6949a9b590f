"""A block as the blob that tiers keep, and back."""

from __future__ import annotations

from typing import Any

from mnemon.errors import InvalidInput
from mnemon.kv.reuse.block import Block
from mnemon.kv.tiers.blob import Blob


def blob_of(block: Block, key: str, **header: Any) -> Blob:
    """The blob of a block; it shares the block's tensors.

    Its tensors are `tokens` (`[T]` int32) and, a layer, `keys.<layer>` (`[Hkv, T, D]`) and
    `values.<layer>` (`[Hkv, T, Dv]`).

    Args:
        header: JSON data that is kept with it, besides `tokens` (how many) and `start`.
    """
    tensors = {"tokens": block.tokens}
    for layer, (keys, values) in enumerate(zip(block.keys, block.values, strict=True)):
        tensors[f"keys.{layer}"] = keys
        tensors[f"values.{layer}"] = values
    return Blob(key, {**header, "tokens": len(block), "start": block.start}, tensors)


def block_of(blob: Blob) -> Block:
    """The block that was made a blob; it shares the blob's tensors.

    Raises:
        InvalidInput: it is a blob of something else.
    """
    layers = range((len(blob.tensors) - 1) // 2)
    try:
        return Block(
            tokens=blob.tensors["tokens"],
            keys=tuple(blob.tensors[f"keys.{layer}"] for layer in layers),
            values=tuple(blob.tensors[f"values.{layer}"] for layer in layers),
            start=int(blob.header["start"]),
        )
    except KeyError as error:
        raise InvalidInput(f"blob {blob.key[:16]} is no block: it has no {error}") from error
