"""Evicted tokens are averaged into residual slots, whose attention is raised by their count.

ZeroMerge: Parameter-Free KV Cache Compression for Memory-Efficient Long-Context LLMs (Liu et al.,
2025), https://arxiv.org/abs/2503.10714; official code SusCom-Lab/ZSMerge, not copied.
A head's slots are the newest tokens, the best-scored ones, and `residual` others: each evicted
token joins the residual one whose key is most like its own, as a running mean, and a slot that
stands for n tokens adds the logarithm of n to its attention logits.
How ours differs: the newest tokens are the policy's window, context scores are its scorer's; the
residual slots start as the lowest-scored kept tokens; `alpha` 1 gives a slot the weight of n equal
tokens. Cannot be combined with a scorer that looks at norms of keys later: means are shorter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import merging, packed
from mnemon.kv.compression import choose
from mnemon.kv.stored import Rows, Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["ZeroMerge"]


@dataclass(frozen=True)
class ZeroMerge:
    """Residual slots with counts.

    Attributes:
        residual: share of the kept tokens that are residual slots, in (0, 1].
        alpha: what the logarithm of a slot's count is multiplied by; 0: no compensation.
    """

    residual: float = 1 / 3
    alpha: float = 1.0

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __post_init__(self) -> None:
        if not 0 < self.residual <= 1 or self.alpha < 0:
            raise InvalidInput(
                f"zeromerge(residual={self.residual}, alpha={self.alpha}): give a share above 0,"
                " at most 1, and an alpha that is not negative"
            )

    def group(self) -> int:
        """Any number of tokens."""
        return 1

    def token_bytes(self, shape: Shape) -> float:
        """The model's own precision, and a count of four bytes."""
        return shape.nbytes + 4

    def fixed_bytes(self, shape: Shape) -> float:
        """Nothing besides."""
        return 0.0

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """One store, `keys` and `values` `[N, D]`, `counts` `[N]` int32."""
        size = kept.shape[2]
        keys, values = view.keys[:, :, :size], view.values[:, :, :size]
        counts = self._counts(view, kept)
        if view.scores is not None:
            slots = self._slots(view, kept)
            places, _ = merging.nearest(keys, slots)
            joins = merging.evicted(view, kept) & slots.any(-1, keepdim=True)
            into = torch.where(joins, places, merging.own_places(kept))
            keys, values = (merging.merge(one, into, counts) for one in (keys, values))
            counts = torch.zeros_like(counts).scatter_add_(2, into, counts)
        notes = {"counts": (packed.pack(counts.to(torch.int32), kept), 1)}
        return [merging.exact_store(self, view, kept, keys, values, notes)]

    def read(self, stored: Stored) -> Rows:
        """The stored tensors, and a bias where a slot stands for several tokens."""
        counts = stored.parts["counts"]
        bias = None
        if self.alpha and bool((counts > 1).any()):
            bias = (self.alpha * counts.float().log()).to(stored.dtype)
        return Rows(stored.parts["keys"], stored.parts["values"], stored.lengths, bias)

    def _counts(self, view: LayerView, kept: Tensor) -> Tensor:
        """How many tokens each candidate stands for, `[B, H, C]`, float32."""
        if view.bias is None or not self.alpha:
            return torch.ones(kept.shape, device=kept.device)
        bias = view.bias[..., : kept.shape[2]].float()
        return (bias / self.alpha).exp().round()

    def _slots(self, view: LayerView, kept: Tensor) -> Tensor:
        """The lowest-scored kept tokens, slots of before first: `[B, H, C]` booleans."""
        assert view.scores is not None
        free = merging.anchors(view, kept)
        wanted = (kept.sum(-1) * self.residual).ceil().long()
        low = (-view.scores).masked_fill(~free, float("-inf"))
        if view.bias is not None:  # a slot stays one
            low = low.masked_fill(free & (view.bias[..., : kept.shape[2]] > 0), 1e30)
        return choose(low, wanted)
