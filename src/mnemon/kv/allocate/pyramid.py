"""Lower layers keep more, in an arithmetic sequence from the first layer to the last.

Attention is spread wide in low layers and gathers on few tokens in high ones. PyramidKV: Dynamic KV
Cache Compression based on Pyramidal Information Funneling (Cai et al., 2024),
https://arxiv.org/abs/2406.02069; official code Zefan-Cai/KVCache-Factory (MIT), not copied.
How ours differs: the steps between layers are not rounded down, so the layers sum to the budget
(the official code's do not); the window is the policy's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.kv.apportion import by_layer, caps

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["PyramidKV"]


@dataclass(frozen=True)
class PyramidKV:
    """The last layer keeps a `beta`-th of the mean, the first so much more than the mean.

    Attributes:
        beta: at least 1; at 1 all layers keep the same.
    """

    beta: float = 20.0

    needs: ClassVar[frozenset[Need]] = frozenset()
    ragged: ClassVar = False

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Counts `[B, L, Hkv]`."""
        batch, heads, _ = scores[0].shape
        mean = total / (len(scores) * heads)
        least = mean / self.beta
        most = 2 * mean - least
        if (longest := int(caps(scores).max())) < most:
            most, least = longest, 2 * mean - longest
        weights = torch.linspace(most, least, len(scores), dtype=torch.float64).clamp(min=0)
        return by_layer(weights.expand(batch, -1), views, scores, total)
