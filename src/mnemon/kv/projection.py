"""How a layer makes keys and values of its input, for methods that store the input instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mnemon.kv.rope import Rope


@dataclass(frozen=True)
class Projection:
    """The map from one layer's input `[B, T, d]` to its keys and values.

    Attributes:
        key, value: the linear maps, d to Hkv * D.
        heads: key-value heads.
        rope: the layer's rotary embedding.
        norm: what normalizes projected keys before the embedding, if anything does. It acts on a
            head, or on all heads at once if `norm_all`.
    """

    key: nn.Linear
    value: nn.Linear
    heads: int
    rope: Rope
    norm: Callable[[Tensor], Tensor] | None = None
    norm_all: bool = False

    @cached_property
    def factors(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Of the key and of the value map: `[d, r]` to latents, `[r, Hkv * D]` from them (SVD)."""
        return _factors(self.key), _factors(self.value)

    def keys(self, projected: Tensor, positions: Tensor) -> Tensor:
        """Keys `[B, Hkv, T, D]` as attention reads them.

        Args:
            projected: `[B, T, Hkv * D]`, what `key` makes of the input.
            positions: `[B, T]`.
        """
        if self.norm is not None and self.norm_all:
            projected = self.norm(projected)
        keys = projected.reshape(*projected.shape[:2], self.heads, -1)
        if self.norm is not None and not self.norm_all:
            keys = self.norm(keys)
        return self.rope.rotate(keys.transpose(1, 2), positions)

    def values(self, projected: Tensor) -> Tensor:
        """Values `[B, Hkv, T, Dv]` of what `value` makes of the input, `[B, T, Hkv * Dv]`."""
        return projected.reshape(*projected.shape[:2], self.heads, -1).transpose(1, 2)


def _factors(linear: nn.Linear) -> tuple[Tensor, Tensor]:
    weight = linear.weight.detach()
    left, sizes, right = torch.linalg.svd(weight.t().float(), full_matrices=False)
    return left.to(weight.dtype), (sizes[:, None] * right).to(weight.dtype)
