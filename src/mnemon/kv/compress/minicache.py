"""Adjacent deep layers share the directions of their keys and values, each keeps its own lengths.

MiniCache: KV Cache Compression in Depth Dimension for Large Language Models (Liu et al., NeurIPS
2024), https://arxiv.org/abs/2405.14366; official code AkideLiu/MiniCache, not copied.
From layer `start` on, the vectors of two layers are split into norm and direction; one direction
between theirs, by spherical interpolation, serves both. Tokens whose directions are furthest apart
are kept whole in both layers.
How ours differs: `retention` is a share of the tokens, so that bytes are known beforehand; the
paper keeps those within that share of the range of distances. Both layers of a pair, head by head,
keep the same tokens: those that either would keep, in number their mean.
Cannot be combined with allocators that give the layers of a pair very different amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as functional

from mnemon.errors import InvalidInput
from mnemon.kv import merging, packed
from mnemon.kv.agreement import agreed
from mnemon.kv.compression import choose
from mnemon.kv.stored import Rows, Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["MiniCache"]


@dataclass(frozen=True)
class MiniCache:
    """Merging across depth.

    Attributes:
        start: the first layer of a pair, as a share of the layers.
        t: where between the two directions the shared one lies: 0 at the lower layer's, 1 at the
            upper's.
        retention: share of the tokens that stay unmerged (the paper's gamma).
    """

    start: float = 0.5
    t: float = 0.6
    retention: float = 0.05

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __post_init__(self) -> None:
        if not all(0 <= one <= 1 for one in (self.start, self.t, self.retention)):
            raise InvalidInput("minicache: start, t and retention are shares from 0 to 1")

    def group(self) -> int:
        """Any number of tokens."""
        return 1

    def token_bytes(self, shape: Shape) -> float:
        """Half a token and two norms, in a pair; some tokens whole."""
        if self._partner(shape.layer, shape.layers) is None:
            return shape.nbytes
        merged = shape.nbytes / 2 + 2 * shape.dtype.itemsize
        return self.retention * shape.nbytes + (1 - self.retention) * merged

    def fixed_bytes(self, shape: Shape) -> float:
        """Nothing besides."""
        return 0.0

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """One layer by itself: nothing to share."""
        count = kept.shape[2]
        keys, values = view.keys[:, :, :count], view.values[:, :, :count]
        return [merging.exact_store(self, view, kept, keys, values)]

    def compress_layers(
        self, views: Sequence[LayerView], kept: Sequence[Tensor]
    ) -> list[list[Stored]]:
        """The stores of each layer; those of a pair hold the same tensors of directions."""
        made: list[list[Stored]] = []
        for place, view in enumerate(views):
            partner = self._partner(place, len(views))
            if partner is None:
                made.append(self.compress(view, kept[place]))
            elif partner > place:
                made += self._pair((view, views[partner]), (kept[place], kept[partner]))
        return made

    def read(self, stored: Stored) -> Rows:
        """Directions times the layer's own norms; unmerged tokens as they are."""
        parts = stored.parts
        if "keys" in parts:
            return Rows(parts["keys"], parts["values"], stored.lengths)
        keys = parts["key_directions"] * parts["key_norms"][:, None]
        values = parts["value_directions"] * parts["value_norms"][:, None]
        return Rows(keys, values, stored.lengths)

    def _partner(self, place: int, layers: int) -> int | None:
        first = int(layers * self.start)
        if place < first:
            return None
        other = place + 1 if (place - first) % 2 == 0 else place - 1
        return other if other < layers else None

    def _pair(
        self, views: tuple[LayerView, LayerView], kept: tuple[Tensor, Tensor]
    ) -> list[list[Stored]]:
        batch, heads, count = kept[0].shape
        voters = torch.stack([one.flatten(0, 1) for one in kept], 1)
        chosen = agreed(voters).view(batch, heads, count)
        whole = self._retained(views, chosen)
        merged = chosen & ~whole
        shared: dict[str, Tensor] = {}
        for name in ("key", "value"):
            lower, upper = (packed.pack(_dense(view, name)[:, :, :count], merged) for view in views)
            shared[f"{name}_directions"] = slerp(lower, upper, self.t)
        made = []
        for view in views:
            parts = dict(shared)
            for name in ("key", "value"):
                dense = packed.pack(_dense(view, name)[:, :, :count], merged)
                parts[f"{name}_norms"] = torch.linalg.vector_norm(dense.float(), dim=-1).to(
                    dense.dtype
                )
            spans = dict.fromkeys(parts, 1)
            lengths, notes = packed.lengths_of(merged), view.noted(merged)
            store = Stored(self, lengths, parts, spans, view.keys.dtype, notes)
            made.append([*self.compress(view, whole), store])
        return made

    def _retained(self, views: tuple[LayerView, LayerView], chosen: Tensor) -> Tensor:
        """The tokens whose directions are furthest apart, sinks first, `[B, Hkv, C]` booleans."""
        count = chosen.shape[2]
        distance = torch.zeros(chosen.shape, device=chosen.device)
        for name in ("key", "value"):
            lower, upper = (_dense(view, name)[:, :, :count].float() for view in views)
            distance -= functional.cosine_similarity(lower, upper, dim=-1)
        distance[..., : views[0].sinks] = float("inf")
        distance.masked_fill_(~chosen, float("-inf"))
        return choose(distance, (chosen.sum(-1) * self.retention).long())


def slerp(lower: Tensor, upper: Tensor, t: float) -> Tensor:
    """Unit vectors between the directions of two, `[N, D]`, along the great circle."""
    one, two = (functional.normalize(some.float(), dim=-1) for some in (lower, upper))
    angle = (one * two).sum(-1, keepdim=True).clamp(-1, 1).acos()
    sine = angle.sin()
    near = sine < 1e-4  # the same direction, or opposite ones: any circle will do
    size = sine.masked_fill(near, 1.0)
    first = torch.where(near, 1 - t, ((1 - t) * angle).sin() / size)
    second = torch.where(near, t, (t * angle).sin() / size)
    return functional.normalize(first * one + second * two, dim=-1).to(lower.dtype)


def _dense(view: LayerView, name: str) -> Tensor:
    return view.keys if name == "key" else view.values
