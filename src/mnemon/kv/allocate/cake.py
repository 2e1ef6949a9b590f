"""Layers whose attention is spread wide, or moves, keep more.

A layer's preference is its attention's entropy over tokens and its variance over time, each
tempered. CAKE: Cascading and Adaptive KV Cache Eviction with Layer Preferences (Qin et al., ICLR
2025), https://arxiv.org/abs/2503.12491; official code antgroup/cakekv (MIT), not
copied.
How ours differs: all layers are shared out at once when prefill ends. Cascading, which shares out
again after each layer to bound the peak of prefill, ends at the same sizes and is not done; the
eviction score is a scorer's business. `tau1`, `tau2` are the paper's for Llama-3.1-8B: they were
searched model by model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.kv.apportion import by_layer
from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["CAKE"]


@dataclass(frozen=True)
class CAKE:
    """Layer preference: spatial entropy^(1/tau1) * temporal variance^(1/tau2).

    Attributes:
        tau1, tau2: temperatures of the entropy and of the variance.
        window_size: newest queries that are looked at.
    """

    tau1: float = 1.6
    tau2: float = 0.4
    window_size: int = 32

    needs: ClassVar = frozenset({Need.QUERIES})
    ragged: ClassVar = False

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Counts `[B, L, Hkv]`."""
        logs = torch.stack([self.preference(view) for view in views], 1)
        weights = (logs - logs.amax(1, keepdim=True)).exp().nan_to_num(1.0)
        return by_layer(weights, views, scores, total)

    def preference(self, view: LayerView) -> Tensor:
        """The logarithm of a layer's preference, `[B]`."""
        seen = view.attention(self.window_size)[..., : view.tokens - view.window]
        entropy: Tensor = torch.special.entr(seen).sum((1, 2, 3))
        variance: Tensor = seen.var(2, unbiased=False).sum((1, 2))
        return entropy.double().log() / self.tau1 + variance.double().log() / self.tau2
