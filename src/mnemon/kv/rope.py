"""Rotary position embedding, undone and done again on stored keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


@dataclass(frozen=True)
class Rope:
    """The rotation that one layer of the model applies to queries and keys.

    Attributes:
        tables: cos and sin `[B, T, Dr]` for positions `[B, T]`; Dr channels of a head are rotated
            (all of them, or the first ones), in halves: channel i turns with channel i + Dr / 2.
    """

    tables: Callable[[Tensor], tuple[Tensor, Tensor]]

    def rotate(self, heads: Tensor, positions: Tensor) -> Tensor:
        """`heads` `[B, H, T, D]` turned to `positions` `[B, T]` or, head by head, `[B, H, T]`."""
        cos, sin = self._spread(heads, positions)
        return _turn(heads, cos, sin)

    def unrotate(self, heads: Tensor, positions: Tensor) -> Tensor:
        """The inverse of `rotate`: keys as they were before the embedding."""
        cos, sin = self._spread(heads, positions)
        size = cos.float().square() + sin.float().square()  # attention scaling, squared (YaRN)
        return _turn(heads, cos.float() / size, -sin.float() / size)

    def shift(self, heads: Tensor, distance: Tensor) -> Tensor:
        """`heads`, already rotated, turned on by so many tokens: `[B, T]` or `[B, H, T]`."""
        cos, sin = self._spread(heads, distance)
        size = (cos.float().square() + sin.float().square()).sqrt()
        return _turn(heads, cos.float() / size, sin.float() / size)

    def frequencies(self, device: torch.device) -> Tensor:
        """Radians a token that each pair of channels turns: `[Dr / 2]`, float32."""
        one = torch.tensor([[1]], device=device)
        cos, sin = (table[0, 0].float() for table in self.tables(one))
        half = cos.shape[-1] // 2
        return torch.atan2(sin[:half], cos[:half])

    def _spread(self, heads: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        if positions.dim() == 3 and positions.stride(1) == 0:
            positions = positions[:, 0]  # one row, expanded over the heads
        if positions.dim() == 2:
            cos, sin = self.tables(positions)
            return cos[:, None].to(heads.dtype), sin[:, None].to(heads.dtype)
        batch, number, count = positions.shape
        cos, sin = self.tables(positions.reshape(batch * number, count))
        shape = (batch, number, count, -1)
        return cos.reshape(shape).to(heads.dtype), sin.reshape(shape).to(heads.dtype)


def _turn(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    rotated = cos.shape[-1]
    turned, rest = heads[..., :rotated], heads[..., rotated:]
    first, second = turned.chunk(2, -1)
    other = torch.cat([-second, first], -1)
    return torch.cat([(turned * cos + other * sin).to(heads.dtype), rest], -1)
