"""What the newest queries attend to, smoothed over neighbours.

SnapKV: LLM Knows What You are Looking for Before Generation (Li et al., 2024),
https://arxiv.org/abs/2404.14469; official code FasterDecoding/SnapKV (CC BY 4.0), not copied.
How ours differs: the mean over a key head's query heads, as in the GQA variant; average pooling
over 5 tokens and the last 64 queries, kvpress's choice (official code: 5 and 32, or 7 and max
pooling, by model). The paper keeps all of the observation window; here the policy's `window` is
kept, and what else lies under the observing queries competes by what those after it give it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch.nn.functional import avg_pool1d

from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["SnapKV"]


@dataclass(frozen=True)
class SnapKV:
    """Mean attention of the last `window_size` queries, pooled over `kernel_size` neighbours."""

    window_size: int = 64
    kernel_size: int = 5

    needs: ClassVar = frozenset({Need.QUERIES})
    question: ClassVar[Literal["aware"]] = "aware"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`."""
        weights = view.attention(self.window_size).mean(2)
        before = weights[..., : view.tokens - view.window]  # what is kept lends no weight
        pooled = avg_pool1d(before, self.kernel_size, stride=1, padding=self.kernel_size // 2)
        pooled = pooled[..., : before.shape[2]]
        return view.by_key_head(torch.cat([pooled, weights[..., before.shape[2] :]], 2))
