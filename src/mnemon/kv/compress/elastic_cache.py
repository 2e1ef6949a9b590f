"""Evicted tokens of the prompt are averaged into the kept token next to them.

Efficient Inference of Vision Instruction-Following Models with Elastic Cache (Liu et al., ECCV
2024), https://arxiv.org/abs/2407.18121; official code liuzuyan/ElasticCache, not
copied.
Kept tokens are anchors; each other token falls to the nearest anchor by place, and keys and values
are the plain means of an anchor and what fell to it. What leaves after the prompt is dropped.
How ours differs: the anchors are the policy's scorer's choice (the paper takes the frequency of
attention); which tokens leave while decoding is the scorer's choice too, where the paper has a
fixed offset; protected sinks take nothing in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.kv import merging
from mnemon.kv.stored import Rows, Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["ElasticCache"]


@dataclass(frozen=True)
class ElasticCache:
    """Means around anchors."""

    needs: ClassVar[frozenset[Need]] = frozenset()

    def group(self) -> int:
        """Any number of tokens."""
        return 1

    def token_bytes(self, shape: Shape) -> float:
        """The model's own precision."""
        return shape.nbytes

    def fixed_bytes(self, shape: Shape) -> float:
        """Nothing besides."""
        return 0.0

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """One store, `keys` and `values` `[N, D]`."""
        count = kept.shape[2]
        keys, values = view.keys[:, :, :count], view.values[:, :, :count]
        if view.seen == view.tokens:  # the prompt: nothing was dropped before
            into = nearest_by_place(merging.anchors(view, kept), merging.evicted(view, kept))
            alike = torch.ones_like(into, dtype=torch.float32)
            keys, values = (merging.merge(one, into, alike) for one in (keys, values))
        return [merging.exact_store(self, view, kept, keys, values)]

    def read(self, stored: Stored) -> Rows:
        """The stored tensors themselves."""
        return Rows(stored.parts["keys"], stored.parts["values"], stored.lengths)


def nearest_by_place(anchors: Tensor, gone: Tensor) -> Tensor:
    """For each token that goes, the place of the nearest anchor; for others, their own.

    Args:
        anchors, gone: `[B, H, C]` booleans. Of two anchors as near, the earlier one is taken.
    """
    own = merging.own_places(anchors)
    far = 2 * anchors.shape[-1] + 1
    before = torch.where(anchors, own, -far).cummax(-1).values
    after = torch.where(anchors, own, far + own.max()).flip(-1).cummin(-1).values.flip(-1)
    near = torch.where(own - before <= after - own, before, after)
    return torch.where(gone & anchors.any(-1, keepdim=True), near, own)
