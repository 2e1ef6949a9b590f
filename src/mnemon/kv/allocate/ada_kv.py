"""Heads of a layer keep as many tokens as they have among the layer's best; none is left with few.

Ada-KV: Optimizing KV Cache Eviction by Adaptive Budget Allocation (Feng et al., 2024),
https://arxiv.org/abs/2407.11550; official code FFY0/AdaKV (MIT), not copied.
How ours differs: `alpha` 0.2 is kvpress's default (the official code's first README has 0.5);
budgets are those of key-value heads, and freed bytes are really freed. Scores of different heads
are compared, so take a scorer in units of attention
(`snapkv`). Cannot be combined with scorers that keep the same tokens in all heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.kv.apportion import apportion, caps

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["AdaKV"]


@dataclass(frozen=True)
class AdaKV:
    """Budgets by how many of the layer's best tokens a head has, mixed with even ones.

    Attributes:
        alpha: safeguard: the share of the budget that all heads get alike.
    """

    alpha: float = 0.2

    needs: ClassVar[frozenset[Need]] = frozenset()
    ragged: ClassVar = True

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Counts `[B, L, Hkv]`; layers keep the same, as far as they have it."""
        batch, heads, _ = scores[0].shape
        cap = caps(scores)
        layers = apportion(torch.ones(batch, len(scores)), total, cap.sum(-1))
        found = []
        for place, score in enumerate(scores):
            best = best_of_layer(score, layers[:, place])
            weights = (1 - self.alpha) * best + self.alpha * layers[:, place, None] / heads
            shared = [
                apportion(row, int(all_heads), most, views[0].sinks)
                for row, all_heads, most in zip(
                    weights, layers[:, place], cap[:, place], strict=True
                )
            ]
            found.append(torch.stack(shared))
        return torch.stack(found, 1)


def best_of_layer(scores: Tensor, counts: Tensor) -> Tensor:
    """How many of a layer's `counts` `[B]` best tokens, over all heads, each head has: `[B, H]`."""
    candidates = scores.shape[-1]
    # Token by token, so that equal scores are spread over the heads.
    order = scores.transpose(1, 2).flatten(1).argsort(dim=-1, descending=True, stable=True)
    taken = torch.zeros_like(order, dtype=torch.bool)
    places = torch.arange(order.shape[1], device=order.device)
    taken.scatter_(1, order, places < counts.to(order.device)[:, None])
    found: Tensor = taken.view(len(taken), candidates, -1).sum(1)
    return found.double().cpu()
