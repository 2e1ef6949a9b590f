"""Block: keys and values of consecutive tokens, computed under one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Block:
    """Keys and values of the tokens `start … start + T` of one sequence.

    What they are depends on every token before them: a block of `start` 0 stands on its own, any
    other continues a certain one.

    Attributes:
        tokens: their ids, `[T]` int32, on the CPU.
        keys: one tensor a layer, `[Hkv, T, D]`, after rotary embedding at their positions.
        values: one tensor a layer, `[Hkv, T, Dv]`.
        start: position of the first token, as the rotary embedding counts.
    """

    tokens: Tensor
    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    start: int = 0

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def end(self) -> int:
        """The position after its last token."""
        return self.start + len(self)

    @property
    def nbytes(self) -> int:
        """Bytes of keys and values."""
        return sum(one.numel() * one.element_size() for one in (*self.keys, *self.values))

    def part(self, begin: int, end: int) -> Block:
        """Its tokens `begin … end`, counted from its own first; views, nothing is copied.

        Raises:
            InvalidInput: it has no such tokens.
        """
        if not 0 <= begin <= end <= len(self):
            raise InvalidInput(f"a block of {len(self)} tokens has no part {begin} to {end}")
        return replace(
            self,
            tokens=self.tokens[begin:end],
            keys=tuple(one[:, begin:end] for one in self.keys),
            values=tuple(one[:, begin:end] for one in self.values),
            start=self.start + begin,
        )

    def owned(self) -> Block:
        """The same in storage of its own: keeping a view keeps all that it is a view of."""
        return replace(
            self,
            tokens=self.tokens.clone(),
            keys=tuple(one.clone() for one in self.keys),
            values=tuple(one.clone() for one in self.values),
        )

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Block:
        """The same on a device; itself if it is there."""
        return replace(
            self,
            keys=tuple(one.to(device, non_blocking=non_blocking) for one in self.keys),
            values=tuple(one.to(device, non_blocking=non_blocking) for one in self.values),
        )


def joined(blocks: Sequence[Block]) -> Block:
    """One block of several that follow each other.

    Raises:
        InvalidInput: there are none, or one does not begin where the one before ends.
    """
    if not blocks:
        raise InvalidInput("no blocks to join")
    for before, after in pairwise(blocks):
        if before.end != after.start:
            raise InvalidInput(f"a block that ends at {before.end} has one from {after.start} on")
    first = blocks[0]
    if len(blocks) == 1:
        return first
    layers = range(len(first.keys))
    return Block(
        tokens=torch.cat([one.tokens for one in blocks]),
        keys=tuple(torch.cat([one.keys[layer] for one in blocks], 1) for layer in layers),
        values=tuple(torch.cat([one.values[layer] for one in blocks], 1) for layer in layers),
        start=first.start,
    )
