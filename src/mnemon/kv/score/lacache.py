"""Layers keep different tokens, like the rungs of a ladder, so that together they span far back.

LaCache: Ladder-Shaped KV Caching for Efficient Long-Context Modeling of Large Language Models (Shi
et al., ICML 2025), https://arxiv.org/abs/2507.14204; official code
GATECH-EIC/LaCache, not copied.
Tokens are taken in ladders of `1 + (layers - span) / (span - overlap)` each; a layer keeps a few
neighbours of each ladder, one further on than the layer before, and layers start again when the
ladder ends. When the cache is full the same pattern thins what is left: older text gets sparser.
It is a selection of tokens, so it is a scorer here, and any form of storage goes with it.
How ours differs: the budget decides how many rungs' width a layer keeps, and the pattern lies over
all candidates at each compression, where the paper thins the oldest ladders first; `span` is at
most half the layers, or there would be no ladder.
Cannot be combined with an allocator that gives heads of a layer different amounts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["LaCache"]


@dataclass(frozen=True)
class LaCache:
    """A layer's place says which token of each ladder it likes best.

    Attributes:
        span: layers that share a token. overlap: how many of them share the next one too.
    """

    span: int = 16
    overlap: int = 0

    needs: ClassVar[frozenset[Need]] = frozenset()
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = True

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.span:
            raise InvalidInput(
                f"lacache(span={self.span}, overlap={self.overlap}): give an overlap below the span"
            )

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`: near the layer's rung first, of those the newer."""
        tokens = view.tokens
        length, step = self.ladder(view.layers)
        place = torch.arange(tokens, device=view.keys.device)
        away = (place - view.place * step % length) % length
        score = place.float() / tokens - away.float()
        return score.expand(*view.keys.shape[:2], -1)

    def ladder(self, layers: int) -> tuple[int, int]:
        """Tokens of a ladder, and by how many the next layer is further on."""
        span = min(self.span, max(1, layers // 2))
        overlap = min(self.overlap, span - 1)
        return 1 + math.ceil((layers - span) / (span - overlap)), 1
