"""What the newest query attends to, the same tokens in all heads of a layer.

TOVA: Transformers are Multi-State RNNs (Oren et al., EMNLP 2024),
https://arxiv.org/abs/2401.06104; official code schwartz-lab-NLP/TOVA (MIT), not copied.
How ours differs: tokens are evicted when the cache is compressed, many at once by the query that is
newest then, and not one at each step. Heads keep the same tokens, as in the paper: not to be
combined with an allocator that gives heads different amounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["TOVA"]


@dataclass(frozen=True)
class TOVA:
    """The newest query's attention, the mean over all heads of the layer."""

    window_size: ClassVar = 1
    needs: ClassVar = frozenset({Need.QUERIES})
    question: ClassVar[Literal["aware"]] = "aware"
    across_heads: ClassVar = True

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`, the same for every head."""
        weights = view.attention(1)[:, :, 0]
        return weights.mean(1, keepdim=True).expand(view.keys.shape[:3])
