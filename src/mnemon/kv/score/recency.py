"""Keep the newest tokens, after the attention sinks.

Efficient Streaming Language Models with Attention Sinks (Xiao et al., ICLR 2024),
https://arxiv.org/abs/2309.17453; official code mit-han-lab/streaming-llm (MIT), not copied.
How ours differs: positions stay the original ones unless the policy says `rerotate`, which is what
the paper does. The number of sinks is the policy's (`sinks=4`), as for every scorer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["StreamingLLM"]


@dataclass(frozen=True)
class StreamingLLM:
    """A token's score is its place: the newest are kept."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`."""
        place = torch.arange(view.tokens, dtype=torch.float32, device=view.keys.device)
        return place.expand(*view.keys.shape[:2], -1)
