"""Every head of every layer keeps the same number of tokens.

How ours differs: no known difference from what single-budget methods do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["Uniform"]


@dataclass(frozen=True)
class Uniform:
    """`total / (L * Hkv)` tokens each."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    ragged: ClassVar = False

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Counts `[B, L, Hkv]`."""
        batch, heads, candidates = scores[0].shape
        each = min(candidates, total // (len(scores) * heads))
        return torch.full((batch, len(scores), heads), each)
