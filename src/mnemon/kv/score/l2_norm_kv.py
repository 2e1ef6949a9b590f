"""Keep the tokens whose keys are short: in many models they are the ones attended to.

A Simple and Effective L2 Norm-Based Strategy for KV Cache Compression (Devoto et al., EMNLP 2024),
https://arxiv.org/abs/2406.11430; official code alessiodevoto/l2compress, not copied.
How ours differs: the paper leaves the first layers uncompressed, where norm and attention do not
go together. What a layer keeps is the allocator's to say, so in the first `skip_layers` compressed
layers ours keeps the newest tokens instead; give those layers more with an allocator. The rule
holds for models trained with such keys and can be the reverse of it for others: measure first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["L2Norm"]


@dataclass(frozen=True)
class L2Norm:
    """Minus the length of the key; the newest in the first `skip_layers` layers."""

    skip_layers: int = 2

    needs: ClassVar[frozenset[Need]] = frozenset()
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`."""
        scores: Tensor = -view.keys.float().norm(dim=-1)
        if view.place < self.skip_layers:
            place = torch.arange(view.tokens, dtype=torch.float32, device=view.keys.device)
            scores = place.expand(view.keys.shape[:3])
        return scores
