"""Small blobs of made-up keys and values, and whether two are the same."""

from __future__ import annotations

import torch

from mnemon.kv.reuse.block import Block
from mnemon.kv.reuse.packing import blob_of
from mnemon.kv.tiers.blob import Blob


def key_of(number: int) -> str:
    """A key; those of different numbers begin differently."""
    return f"{number:02x}" * 32


def blob(number: int, tokens: int = 32, layers: int = 3) -> Blob:
    """The blob under `key_of(number)`: its content follows from the number and the sizes."""
    seed = torch.Generator().manual_seed(number)
    sides = [
        tuple(torch.randn(2, tokens, 8, generator=seed) for _ in range(layers)) for _ in range(2)
    ]
    ids = torch.randint(97, (tokens,), generator=seed, dtype=torch.int32)
    return blob_of(Block(ids, *sides), key_of(number), form="kv-block")


def same(one: Blob | None, other: Blob) -> bool:
    """Whether key and all tensors are the same, to the last bit."""
    return (
        one is not None
        and one.key == other.key
        and one.tensors.keys() == other.tensors.keys()
        and all(torch.equal(one.tensors[name], other.tensors[name]) for name in other.tensors)
    )
