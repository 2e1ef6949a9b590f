"""One explicit memory: the tokens of a reference that each head of some layers keeps, in codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mnemon.kv import codes
from mnemon.kv.compress.drop import Drop
from mnemon.kv.stored import Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.codes import Coded

GROUP = 32
"""Channels that share a scale."""


@dataclass(frozen=True)
class Explicit:
    """Keys and values as the model made them in the reference, rotary positions included.

    Attributes:
        layers: places of the layers among the model's, rising.
        keys, values: for each of those layers, codes of `[Hkv * n, D]`, row by row.
        heads: Hkv. bits: of a code.
    """

    layers: tuple[int, ...]
    keys: tuple[Coded, ...]
    values: tuple[Coded, ...]
    heads: int
    bits: int

    @property
    def nbytes(self) -> int:
        """Bytes of codes and scales."""
        return sum(
            part.numel() * part.element_size()
            for coded in (*self.keys, *self.values)
            for part in coded
        )

    def read(self) -> dict[int, tuple[Tensor, Tensor]]:
        """Keys and values `[Hkv, n, D]` by layer, decoded."""
        found = {}
        for layer, keys, values in zip(self.layers, self.keys, self.values, strict=True):
            both = (codes.dequantize_tokens(one, self.bits) for one in (keys, values))
            key, value = (one.unflatten(0, (self.heads, -1)) for one in both)
            found[layer] = key, value
        return found

    def tensors(self) -> dict[str, Tensor]:
        """Its tensors by name, for a blob."""
        found: dict[str, Tensor] = {}
        for layer, keys, values in zip(self.layers, self.keys, self.values, strict=True):
            found |= codes.coded_parts(f"{layer}.key", keys)
            found |= codes.coded_parts(f"{layer}.value", values)
        return found

    @classmethod
    def of(
        cls, tensors: Mapping[str, Tensor], layers: Sequence[int], heads: int, bits: int
    ) -> Explicit:
        """The inverse of `tensors`."""
        keys, values = (
            tuple(codes.coded_from(tensors, f"{layer}.{what}") for layer in layers)
            for what in ("key", "value")
        )
        return cls(tuple(layers), keys, values, heads, bits)


def encoded(rows: Mapping[int, tuple[Tensor, Tensor]], bits: int) -> Explicit:
    """Keys and values `[Hkv, n, D]` by layer in codes of `bits` bits, a scale for 32 channels.

    Raises:
        InvalidInput: the channels of a head do not divide into groups of 32.
    """
    layers = tuple(sorted(rows))
    keys, values = (
        tuple(
            codes.quantize_tokens(rows[layer][which].flatten(0, 1), bits, GROUP) for layer in layers
        )
        for which in (0, 1)
    )
    return Explicit(layers, keys, values, rows[layers[0]][0].shape[0], bits)


def stores(memories: Sequence[Explicit], layers: int, like: Tensor) -> list[list[Stored]]:
    """What each of `layers` layers attends to besides its text: one store, or none.

    Args:
        like: a tensor whose precision and device the stores take.
    """
    read = [one.read() for one in memories]
    found: list[list[Stored]] = [[] for _ in range(layers)]
    for layer in memories[0].layers if memories else ():
        keys, values = (
            torch.cat([one[layer][which] for one in read], 1).to(like.device, like.dtype)
            for which in (0, 1)
        )
        lengths = torch.full((1, keys.shape[0]), keys.shape[1])
        parts = {"keys": keys.flatten(0, 1), "values": values.flatten(0, 1)}
        found[layer] = [Stored(Drop(), lengths, parts, dict.fromkeys(parts, 1), like.dtype, {})]
    return found
