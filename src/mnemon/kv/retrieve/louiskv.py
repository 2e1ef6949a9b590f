"""Retrieve only when the query turns to something else, and in units that belong together.

The prompt's tokens are clustered by their keys, later tokens are cut into segments. When the query
has moved away from the one that retrieved last, the units whose centroids it likes best are
fetched; until then the same tokens are read. LouisKV: Efficient KV Cache Retrieval for Long
Input-Output Sequences (Wu et al., 2025), https://arxiv.org/abs/2510.11292; no official
code known.
How ours differs: segments have a fixed length; a block of new tokens that leaves the tail
retrieves too, so that it does not go unseen; the last unit is cut where the budget ends. The paper
tunes its threshold model by model: 0.8 is ours. Clustering is a few rounds of spherical k-means,
head by head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.retrieve import Step
    from mnemon.kv.view import LayerView

__all__ = ["LouisKV"]


@dataclass(frozen=True)
class LouisKV:
    """Clusters and segments, fetched at semantic boundaries.

    Attributes:
        threshold: cosine between queries below which retrieval happens (above 1: every step).
        cluster_size: tokens of the prompt a cluster, on average.
        segment_size: later tokens a segment.
        iterations: of k-means.
    """

    threshold: float = 0.8
    cluster_size: int = 16
    segment_size: int = 16
    iterations: int = 4

    needs: ClassVar[frozenset[Need]] = frozenset()

    def whole(self, view: LayerView) -> Tensor:
        """No head is kept whole."""
        return torch.zeros(view.keys.shape[1], dtype=torch.bool)

    def index(self, view: LayerView, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`unit` `[B, Hkv, N]` of each token and `centroids` `[B, Hkv, U, D]`."""
        keys = view.keys[:, :, : view.tokens - view.window]
        if before:
            unit = torch.arange(keys.shape[2], device=keys.device) // self.segment_size
            unit = unit.expand(keys.shape[:3])
        else:
            unit = clusters(keys, self.cluster_size, self.iterations)
        centroids = means(keys, unit, int(unit.max()) + 1)
        if before:
            unit = torch.cat([before["unit"], unit + before["centroids"].shape[2]], 2)
            centroids = torch.cat([before["centroids"], centroids], 2)
        return {"unit": unit.to(torch.int32), "centroids": centroids}

    def select(self, step: Step, state: dict[str, Any]) -> Tensor:
        """The tokens of the best units, or what was read before."""
        asked = step.queries[:, :, -1].float()
        last: Retrieved | None = state.get(f"layer {step.place}")
        if last is None or step.queries.shape[2] > 1 or not last.serves(step):
            turned = torch.ones(len(asked), dtype=torch.bool, device=asked.device)
        else:
            near = functional.cosine_similarity(asked, last.asked, dim=-1).mean(1)
            turned = near < self.threshold
        if last is not None and not bool(turned.any()):
            return last.picked
        best = self._best(step)
        if last is not None and not bool(turned.all()):
            width = best.shape[2] - last.picked.shape[2]
            before = functional.pad(last.picked, (0, width), value=-1)
            best = torch.where(turned[:, None, None], best, before)
            asked = torch.where(turned[:, None, None], asked, last.asked)
        state[f"layer {step.place}"] = Retrieved(asked, best, step.tokens)
        return best

    def _best(self, step: Step) -> Tensor:
        """The first tokens, unit by unit, the unit liked best first: `[B, Hkv, budget]`."""
        asked = torch.unflatten(step.queries, 1, (step.kv_heads, -1)).flatten(2, 3).float()
        liking = (asked @ step.index["centroids"].float().transpose(-1, -2)).amax(2)
        by_token = liking.gather(-1, step.index["unit"].long())
        order: Tensor = by_token.argsort(dim=-1, descending=True, stable=True)
        return order[..., : step.budget]


class Retrieved(NamedTuple):
    """What was retrieved last: by which queries `[B, Hq, D]`, which tokens, of how many."""

    asked: Tensor
    picked: Tensor
    tokens: int

    def serves(self, step: Step) -> bool:
        """Whether it can be read again: nothing was added since, and the budget holds it."""
        return self.tokens == step.tokens and self.picked.shape[2] <= step.budget


def clusters(keys: Tensor, size: int, iterations: int, step: int = 4096) -> Tensor:
    """The cluster of each key, `[B, H, C]`: spherical k-means from evenly spaced keys."""
    count = max(1, keys.shape[2] // size)
    pointed = functional.normalize(keys.float(), dim=-1)
    first = torch.linspace(0, keys.shape[2] - 1, count, device=keys.device).long()
    centres = pointed[:, :, first]
    unit = torch.zeros(keys.shape[:3], dtype=torch.int64, device=keys.device)
    for _ in range(iterations):
        near = [
            (piece @ centres.transpose(-1, -2)).argmax(-1)
            for piece in torch.split(pointed, step, 2)
        ]
        unit = torch.cat(near, 2)
        centres = functional.normalize(means(pointed, unit, count), dim=-1)
    return unit


def means(keys: Tensor, unit: Tensor, count: int) -> Tensor:
    """The mean key of each unit, zero of an empty one: `[B, H, count, D]`."""
    sums = keys.new_zeros(*keys.shape[:2], count, keys.shape[3], dtype=torch.float32)
    where = unit[..., None].expand_as(keys)
    sums.scatter_add_(2, where, keys.float())
    sizes = torch.zeros(sums.shape[:3], device=keys.device)
    sizes.scatter_add_(2, unit, torch.ones(unit.shape, device=keys.device))
    return (sums / sizes.clamp(min=1)[..., None]).to(keys.dtype)
