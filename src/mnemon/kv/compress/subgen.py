"""Keys are clustered as they come; a few sampled tokens stand for each cluster.

SubGen: Token Generation in Sublinear Time and Memory (Zandieh et al., 2024),
https://arxiv.org/abs/2402.06082; official code, where any, not copied.
A key further than `delta` from every cluster's first key opens a cluster. Samples of each cluster,
weighed by how many tokens they stand for, estimate the softmax's normalizer; tokens sampled by the
squared norm of their values estimate its numerator.
How ours differs: one sample serves both sums. A token is drawn half uniformly from its cluster,
half by the squared norm of its value, and adds the logarithm of one over its chance to its
attention logits, so that either sum is right in the mean. `delta` is relative to the spread of a
head's keys. Drawing is systematic, from a seed. The budget bounds the sample; which tokens the
scorer would keep plays no part. Under a standing budget, samples are sampled again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import merging, packed
from mnemon.kv.stored import Rows, Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["SubGen"]


@dataclass(frozen=True)
class SubGen:
    """Cluster samples with weights.

    Attributes:
        delta: radius of a cluster, in root mean square distances of keys from their mean.
        samples: at most so many tokens a cluster.
        seed: of the sampling.
    """

    delta: float = 0.5
    samples: int = 8
    seed: int = 0

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __post_init__(self) -> None:
        if self.delta < 0 or self.samples < 1:
            raise InvalidInput(
                f"subgen(delta={self.delta}, samples={self.samples}): give a radius that is not"
                " negative and at least one sample"
            )

    def group(self) -> int:
        """Any number of tokens."""
        return 1

    def token_bytes(self, shape: Shape) -> float:
        """The model's own precision, and a weight of four bytes."""
        return shape.nbytes + 4

    def fixed_bytes(self, shape: Shape) -> float:
        """Nothing besides."""
        return 0.0

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """One store of at most as many tokens as `kept` has, with `weights` `[N]` float32."""
        size = kept.shape[2]
        keys, values = view.keys[:, :, :size], view.values[:, :, :size]
        mass = torch.ones(kept.shape, device=kept.device)
        if view.bias is not None:
            mass = view.bias[..., :size].float().exp()
        chosen, weights = kept, mass
        if bool(merging.evicted(view, kept).any()):
            chosen, weights = self._sampled(view, kept, keys, values, mass)
        notes = {"weights": (packed.pack(weights, chosen), 1)}
        return [merging.exact_store(self, view, chosen, keys, values, notes)]

    def read(self, stored: Stored) -> Rows:
        """The samples, with the logarithms of their weights unless all are one."""
        weights = stored.parts["weights"]
        bias = weights.log().to(stored.dtype) if bool((weights != 1).any()) else None
        return Rows(stored.parts["keys"], stored.parts["values"], stored.lengths, bias)

    def _sampled(
        self, view: LayerView, kept: Tensor, keys: Tensor, values: Tensor, mass: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Which tokens are drawn, and what each stands for: `[B, H, C]` each."""
        free = kept | merging.evicted(view, kept)
        sinks = kept.clone()
        sinks[..., view.sinks :] = False
        free &= ~sinks
        room = kept.sum(-1) - sinks.sum(-1)
        clusters = leaders(keys, free, self.delta, int(room.max()))
        number = torch.where(free, clusters, -1).amax(-1) + 1
        wanted = torch.minimum(room, number * self.samples)
        wanted = torch.minimum(wanted, free.sum(-1))
        chances = _chances(clusters, free, values, mass, wanted)
        maker = torch.Generator().manual_seed(self.seed + 7919 * view.layer + view.seen)
        start = torch.rand(kept.shape[1], generator=maker, dtype=torch.float64)
        drawn = _systematic(chances, clusters, start.to(kept.device))
        weights = torch.where(drawn, mass / chances.clamp_min(1e-9).float(), mass)
        return drawn | sinks, weights


def leaders(keys: Tensor, free: Tensor, delta: float, most: int) -> Tensor:
    """The cluster of each key, `[B, H, C]`, by order of appearance.

    A key that is further than the radius from every earlier leader leads a new cluster; after
    `most` of them, the others join the nearest.

    Args:
        keys: `[B, H, C, D]`. free: `[B, H, C]`, which keys take part.
    """
    points = keys.float()
    count = free.sum(-1, keepdim=True).clamp_min(1)
    mean = (points * free[..., None]).sum(2, keepdim=True) / count[..., None]
    spread = ((points - mean).square().sum(-1) * free).sum(-1, keepdim=True) / count
    radius = delta * spread.sqrt()
    clusters = torch.zeros(free.shape, dtype=torch.long, device=keys.device)
    least = torch.full(free.shape, float("inf"), device=keys.device)
    for cluster in range(max(1, most)):
        open_ = free & (least > radius)
        if not bool(open_.any()):
            break
        leader = open_.int().argmax(-1, keepdim=True)
        centre = points.gather(2, leader[..., None].expand(-1, -1, 1, points.shape[-1]))
        distance = (points - centre).norm(dim=-1)
        later = merging.own_places(free) >= leader
        nearer = open_.any(-1, keepdim=True) & later & (distance < least)
        clusters = torch.where(nearer, cluster, clusters)
        least = torch.where(nearer, distance, least)
    return clusters


def _chances(
    clusters: Tensor, free: Tensor, values: Tensor, mass: Tensor, wanted: Tensor
) -> Tensor:
    """The chance of each token to be drawn, `[B, H, C]` float64, summing to `wanted` `[B, H]`."""
    weight = mass.double() * free
    energy = weight * values.double().square().sum(-1)

    def share(of: Tensor) -> Tensor:
        total = torch.zeros_like(of).scatter_add_(2, clusters, of).gather(2, clusters)
        return of / total.clamp_min(1e-30)

    chances = (share(weight) + share(energy)) / 2
    # Clusters of one token are certain to be drawn, unless there are more of them than room.
    asked = chances.sum(-1, keepdim=True).clamp_min(1e-30)
    chances = chances * (wanted[..., None] / asked).clamp_max(1.0)
    for _ in range(12):  # what is above one is shared out among the others
        full = chances >= 1
        rest = torch.where(full, 0.0, chances).sum(-1, keepdim=True).clamp_min(1e-30)
        scale = (wanted[..., None] - full.sum(-1, keepdim=True)).clamp_min(0) / rest
        chances = torch.where(full, 1.0, chances * scale).clamp_max(1.0)
    return chances


def _systematic(chances: Tensor, clusters: Tensor, start: Tensor) -> Tensor:
    """Booleans `[B, H, C]`, each true with its chance, as many as the chances sum to.

    Args:
        start: `[H]` numbers in [0, 1), the same for every sequence.
    """
    order = clusters.argsort(dim=-1, stable=True)
    reached = chances.gather(2, order).cumsum(-1)
    # Rounding must not draw one more than there is room for.
    reached = reached * (1 - 1e-9) + start[:, None].clamp(1e-6, 1 - 1e-6)
    steps = torch.cat([start.floor().expand(reached.shape[0], -1)[..., None], reached.floor()], -1)
    drawn = steps.diff(dim=-1) > 0
    return torch.zeros_like(drawn).scatter_(2, order, drawn)
