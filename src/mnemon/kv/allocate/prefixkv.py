"""Every layer keeps the shortest prefix of its best tokens that holds a common share of importance.

PrefixKV: Adaptive Prefix KV Cache is What Vision Instruction-Following Models Need for Efficient
Generation (Wang et al., 2024), https://arxiv.org/abs/2412.03409; official code
THU-MIG/PrefixKV (Apache-2.0), not copied.
How ours differs: the paper finds the share by binary search, offline; ours sorts the cumulative
curves of all layers together, which finds the same share exactly and for the text at hand. Heads
are ranked each by itself and a layer's curve is their mean. Importance is the scorer's: scores
below 0 are moved up (see `mass`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.kv.apportion import caps, mass

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["PrefixKV"]


@dataclass(frozen=True)
class PrefixKV:
    """One global share of cumulative importance; layers keep what reaches it."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    ragged: ClassVar = False

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Counts `[B, L, Hkv]`."""
        heads = scores[0].shape[1]
        before = torch.stack([share_before(score) for score in scores], 1).cpu()
        cap = caps(scores).amin(-1)
        places = torch.arange(before.shape[-1])
        before[..., : views[0].sinks] = -1.0
        before.masked_fill_(places >= cap[..., None], float("inf"))
        room = (total // heads) * torch.ones_like(cap[:, 0])
        order = before.flatten(1).argsort(dim=-1, stable=True).argsort(-1)
        chosen = order.view_as(before) < room[:, None, None]
        counts = torch.minimum(chosen.sum(-1), cap)
        return counts[..., None].expand(-1, -1, heads)


def share_before(scores: Tensor) -> Tensor:
    """The share of importance that the n best tokens of a layer hold, n from 0 to C - 1: `[B, C]`.

    A prefix reaches the share s if it takes every token before which less than s is held.
    """
    ranked = mass(scores).sort(dim=-1, descending=True).values
    return (ranked.cumsum(-1) - ranked).mean(1)
