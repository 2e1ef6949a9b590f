"""Tokens whose values are most off, as a layer shows that all tokens go through, computed anew.

The first layer's keys and values depend on the token alone; the second's show by how much other
chunks change each token. The most changed go on; attention is sparse, and the changes of the
layers above are small where those of the layer below are.
CacheBlend: Fast Large Language Model Serving for RAG with Cached Knowledge Fusion (Yao et al.,
2024), section 4, https://arxiv.org/abs/2405.16444; official code YaoJiayi/CacheBlend and
LMCache/LMCache (Apache-2.0), not copied.
How ours differs: (to be told)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.reuse.blend_view import Blended, BlendView
    from mnemon.kv.reuse.partial import Look

__all__ = ["CacheBlend"]


@dataclass(frozen=True)
class CacheBlend:
    """The `recompute` most deviating of the kept tokens."""

    recompute: float = 0.15
    check_layer: int = 1

    def blend(self, view: BlendView) -> Blended:
        """A pass that begins with all tokens and goes on with those and the question."""
        count = round(self.recompute * int(view.kept.sum()))

        def narrow(look: Look) -> Tensor:
            off = (look.values - look.old_values).float().square().sum((0, 2))
            off = off.masked_fill(~view.kept[look.places], -1.0)
            chosen = torch.zeros_like(off, dtype=torch.bool)
            chosen[off.topk(count).indices] = True
            return chosen

        return view.computed(torch.ones_like(view.kept), {self.check_layer: narrow})
