"""Evicted tokens are merged into the pivot of their set: neighbours whose keys are alike.

Model Tells You Where to Merge: Adaptive KV Cache Merging for LLMs on Long-Context Tasks (Wang et
al., 2024), https://arxiv.org/abs/2407.08454; no official code known.
A merging set is a run of tokens in which each key's cosine to the one before is at least
`threshold`. Its pivot is the token with the highest score; the others weigh
`exp(-|k_pivot - k|^2 / (2 sigma^2))`, sigma being the set's mean distance over the root of two.
How ours differs: the budget decides how many tokens are kept, not the threshold alone: a kept
token that is not its set's pivot stays as it is (the paper's heavy hitters), the pivot is the
best-scored kept token, evicted tokens of a set without one are dropped; sinks are no pivots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as functional

from mnemon.kv import merging
from mnemon.kv.stored import Rows, Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["KVMerger"]


@dataclass(frozen=True)
class KVMerger:
    """Gaussian merging inside runs of alike keys.

    Attributes:
        threshold: the least cosine of neighbours in a set.
    """

    threshold: float = 0.75

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
        if view.scores is not None:
            sets = merging_sets(keys, self.threshold)
            pivots = _pivots(sets, merging.anchors(view, kept), view.scores)
            joins = merging.evicted(view, kept) & (pivots >= 0)
            into = torch.where(joins, pivots, merging.own_places(kept))
            weights = _gaussian(keys, sets, into, joins)
            keys, values = (merging.merge(one, into, weights) for one in (keys, values))
        return [merging.exact_store(self, view, kept, keys, values)]

    def read(self, stored: Stored) -> Rows:
        """The stored tensors themselves."""
        return Rows(stored.parts["keys"], stored.parts["values"], stored.lengths)


def merging_sets(keys: Tensor, threshold: float) -> Tensor:
    """The number of each token's set, `[B, H, C]`, counted from 0."""
    alike = functional.cosine_similarity(keys[:, :, 1:].float(), keys[:, :, :-1].float(), dim=-1)
    return functional.pad((alike < threshold).long().cumsum(-1), (1, 0))


def _pivots(sets: Tensor, anchors: Tensor, scores: Tensor) -> Tensor:
    """The place of the pivot of each token's set, `[B, H, C]`; -1 where a set has none."""
    ranked = scores.masked_fill(~anchors, float("-inf"))
    best = torch.full_like(ranked, float("-inf")).scatter_reduce_(2, sets, ranked, "amax")
    best = best.gather(2, sets)
    size = sets.shape[-1]
    wins = anchors & (ranked == best)
    own = torch.where(wins, merging.own_places(sets), size)
    first = torch.full_like(sets, size).scatter_reduce_(2, sets, own, "amin").gather(2, sets)
    return torch.where(first < size, first, -1)


def _gaussian(keys: Tensor, sets: Tensor, into: Tensor, joins: Tensor) -> Tensor:
    """Weights `[B, H, C]`: 1 for pivots and tokens that stay as they are."""
    pivot = keys.gather(2, into[..., None].expand_as(keys))
    distance = torch.linalg.vector_norm(keys.float() - pivot.float(), dim=-1)
    size = torch.zeros_like(distance).scatter_add_(2, sets, joins.float())
    total = torch.zeros_like(distance).scatter_add_(2, sets, torch.where(joins, distance, 0.0))
    sigma = (total / size.clamp_min(1)).gather(2, sets) / 2**0.5
    weights: Tensor = (-distance.square() / (2 * sigma.square()).clamp_min(1e-12)).exp()
    return weights
