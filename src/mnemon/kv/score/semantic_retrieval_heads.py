"""Only the heads of a layer that retrieve from afar rank its tokens, for all of its heads.

CompressKV: Semantic Retrieval Heads Know What Tokens are Not Important Before Generation (Lin et
al., 2025), section "Semantic Retrieval Heads", https://arxiv.org/abs/2508.02401; official code
TUDa-HWAI/CompressKV, not copied.
How ours differs: the list of heads is the model's head profile (`mnemon.kv.profile`), which is
measured once a model and kept under its fingerprint; it ranks key-value heads, and all query heads
of a chosen one vote. Cannot be combined with allocators that give heads different amounts. The
paper's layer budgets are the allocator `compress-kv`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch.nn import functional

from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["SemanticRetrievalHeads"]


@dataclass(frozen=True)
class SemanticRetrievalHeads:
    """Mean attention of the newest queries in the layer's top heads, smoothed over neighbours.

    Attributes:
        first_k: key-value heads a layer that rank.
        window_size: newest queries. kernel_size: neighbours that are averaged.
    """

    first_k: int = 1
    window_size: int = 8
    kernel_size: int = 5

    needs: ClassVar = frozenset({Need.QUERIES, Need.PROFILE})
    question: ClassVar[Literal["aware"]] = "aware"
    across_heads: ClassVar = True

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`, the same in all heads."""
        assert view.profile is not None
        heads = view.keys.shape[1]
        importance = torch.tensor(view.profile.weights[view.place])
        top = importance.topk(min(self.first_k, heads)).indices
        weights = view.by_key_head(view.attention(self.window_size).mean(2))
        voted = weights[:, top.to(weights.device)].mean(1, keepdim=True)
        pooled = functional.avg_pool1d(
            voted, self.kernel_size, stride=1, padding=self.kernel_size // 2
        )
        return pooled[..., : view.tokens].expand(-1, heads, -1)
