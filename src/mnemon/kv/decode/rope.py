"""Rotary position embedding of one token's queries and key, and where the key goes.

Rotates halves, as transformers' Llama does: channel d goes with channel d + D/2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mnemon.kv.decode.rows import Tail


@dataclass(frozen=True)
class Rotation:
    """`cos`, `sin` float32 [B, D / 2] of the position now, overwritten at every step.

    `frequencies` float32 [D / 2], and `scaling`, by which some variants multiply both.
    """

    cos: Tensor
    sin: Tensor
    frequencies: Tensor
    scaling: float

    def turn(self, position: Tensor) -> None:
        """Sets the angles for `position` int64 [B]."""
        angle = position.to(torch.float32)[:, None] * self.frequencies
        torch.mul(angle.cos(), self.scaling, out=self.cos)
        torch.mul(angle.sin(), self.scaling, out=self.sin)


def rotate(heads: Tensor, rotation: Rotation) -> Tensor:
    """`heads` [B, H, D] rotated."""
    left, right = heads.float().chunk(2, -1)
    cos, sin = rotation.cos[:, None], rotation.sin[:, None]
    turned = torch.cat([left * cos - right * sin, right * cos + left * sin], -1)
    return turned.to(heads.dtype)


def append(keys: Tensor, values: Tensor, tail: Tail) -> None:
    """Writes one token's keys and values [B, Hkv, D] at the tail's length, which stays."""
    slot = int(tail.length)
    tail.keys[:, :, slot] = keys
    tail.values[:, :, slot] = values
