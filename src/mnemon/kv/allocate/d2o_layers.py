"""Layers whose attention is spread evenly keep more; those that attend to few tokens keep less.

The layer level of D2O: Dynamic Discriminative Operations for Efficient Generative Inference of
Large Language Models (Wan et al., ICLR 2025), https://arxiv.org/abs/2406.13035;
official code AIoT-MLSys-Lab/d2o (Apache-2.0), not copied. Its merging of evicted tokens is a
compress method.
How ours differs: a layer's variance is that of the attention which the newest `window_size`
queries give to each token, in units of even attention, so that it does not depend on the length of
the text; the paper takes all queries of the prompt.
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

__all__ = ["D2OLayers"]


@dataclass(frozen=True)
class D2OLayers:
    """Shares fall with the variance of attention: a softmax of minus the relative variance.

    Attributes:
        window_size: newest queries whose attention is looked at.
    """

    window_size: int = 32

    needs: ClassVar = frozenset({Need.QUERIES})
    ragged: ClassVar = False

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Counts `[B, L, Hkv]`."""
        variance = torch.stack([self.variance(view) for view in views], 1)
        relative = variance / variance.mean(1, keepdim=True).clamp(min=1e-300)
        return by_layer((-relative).softmax(1), views, scores, total)

    def variance(self, view: LayerView) -> Tensor:
        """The variance over tokens of the attention they get, mean over heads, `[B]`."""
        seen = view.attention(self.window_size).sum(2)[..., : view.tokens - view.window]
        even = mass(seen) * seen.shape[-1]
        return even.var(-1, unbiased=False).mean(1)
