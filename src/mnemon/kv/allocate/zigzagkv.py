"""Layers that need more tokens to hold most of their attention keep more.

ZigZagKV: Dynamic KV Cache Compression for Long-context Modeling based on Layer Uncertainty (Zhong
et al., COLING 2025), https://arxiv.org/abs/2412.09036; no official code known.
How ours differs: attention is that of the newest `window_size` queries, as with the scorers it is
used with; the layers sum to the budget exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.kv.apportion import by_layer, mass
from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["ZigZagKV"]


@dataclass(frozen=True)
class ZigZagKV:
    """`B_min + (B_avg - B_min) * L * LMBA_l / sum(LMBA)` tokens for layer l.

    Attributes:
        threshold: share of a head's attention that its fewest tokens must reach; their number,
            averaged over heads, is the layer's LMBA.
        minimum: B_min, as a share of the mean budget.
        window_size: newest queries whose attention is looked at.
    """

    threshold: float = 0.9
    minimum: float = 0.2
    window_size: int = 32

    needs: ClassVar = frozenset({Need.QUERIES})
    ragged: ClassVar = False

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Counts `[B, L, Hkv]`."""
        lmba = torch.stack([self.tokens_needed(view) for view in views], 1)
        uncertainty = lmba / lmba.sum(1, keepdim=True)
        weights = self.minimum / len(views) + (1 - self.minimum) * uncertainty
        return by_layer(weights, views, scores, total)

    def tokens_needed(self, view: LayerView) -> Tensor:
        """LMBA: the fewest tokens that reach the threshold, mean over query heads, `[B]`."""
        seen = view.attention(self.window_size).mean(2)[..., : view.tokens - view.window]
        held = mass(seen).sort(dim=-1, descending=True).values.cumsum(-1)
        short = (held < self.threshold).sum(-1) + 1
        return short.clamp(max=seen.shape[-1]).double().mean(1)
