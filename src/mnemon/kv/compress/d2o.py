"""An evicted token is merged into the kept one whose key is most like its own, if alike enough.

D2O: Dynamic Discriminative Operations for Efficient Generative Inference of Large Language Models
(Wan et al., 2024), https://arxiv.org/abs/2406.13035; official code
AIoT-MLSys-Lab/d2o, not copied.
The threshold is a moving average of the likeness of evicted tokens to what is kept: it starts at
the mean of the prompt's, and each token that goes, in order of time, moves it by `beta`.
How ours differs: the paper's layer budgets are an allocator's work, its accumulated attention a
scorer's; tokens of the protected window and protected sinks are never merged into; evicted tokens
go block by block, not one a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as functional

from mnemon.errors import InvalidInput
from mnemon.kv import merging
from mnemon.kv.needs import Need
from mnemon.kv.stored import Rows, Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.view import LayerView

__all__ = ["D2O"]


@dataclass(frozen=True)
class D2O:
    """Merging above a running threshold.

    Attributes:
        beta: weight of the newest likeness in the moving average, in (0, 1].
        threshold: a cosine that stands still instead; above 1 nothing is merged.
    """

    beta: float = 0.7
    threshold: float | None = None

    needs: ClassVar = frozenset({Need.STORES})

    def __post_init__(self) -> None:
        if not 0 < self.beta <= 1:
            raise InvalidInput(f"d2o(beta={self.beta}): give a number above 0, at most 1")

    def group(self) -> int:
        """Any number of tokens."""
        return 1

    def token_bytes(self, shape: Shape) -> float:
        """The model's own precision."""
        return shape.nbytes

    def fixed_bytes(self, shape: Shape) -> float:
        """The threshold, float32, once a head."""
        return 0.0 if shape.stored else 4.0

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """One store, `keys` and `values` `[N, D]`, with the `threshold` reached, `[R]`."""
        count = kept.shape[2]
        keys, values = view.keys[:, :, :count], view.values[:, :, :count]
        gone = merging.evicted(view, kept)
        places, cosines = merging.nearest(keys, merging.anchors(view, kept))
        before, last = self._thresholds(view, gone, cosines)
        joins = gone & (cosines >= before) & (cosines > float("-inf"))
        into = torch.where(joins, places, merging.own_places(kept))
        weights = torch.where(joins, cosines, torch.ones_like(cosines)).exp()
        keys, values = (merging.merge(one, into, weights) for one in (keys, values))
        notes = {"threshold": (last.reshape(-1), -1)}
        return [merging.exact_store(self, view, kept, keys, values, notes)]

    def read(self, stored: Stored) -> Rows:
        """The stored tensors themselves."""
        return Rows(stored.parts["keys"], stored.parts["values"], stored.lengths)

    def _thresholds(self, view: LayerView, gone: Tensor, cosines: Tensor) -> tuple[Tensor, Tensor]:
        """What each evicted token must reach, `[B, H, C]`, and where the average ends, `[B, H]`."""
        rank = gone.cumsum(-1) - 1
        usable = gone & (cosines > float("-inf"))
        likeness = torch.where(usable, cosines, torch.zeros_like(cosines))
        first = likeness.sum(-1) / usable.sum(-1).clamp_min(1)
        for store in view.stores:
            known = (store.lengths > 0).to(first.device)
            first = torch.where(known, store.parts["threshold"].view_as(first), first)
        if self.threshold is not None:
            fixed = torch.full_like(first, self.threshold)
            return fixed[..., None].expand_as(cosines), fixed
        # Evicted tokens side by side, in order of time; the rest falls off the end.
        side = torch.zeros_like(likeness)
        side.scatter_add_(2, rank.clamp_min(0), torch.where(gone, likeness, 0.0))
        path = _moving_average(side, first, self.beta)
        before = path.gather(2, rank.clamp_min(0))
        return before, path.gather(2, gone.sum(-1, keepdim=True)).squeeze(-1)


def _moving_average(values: Tensor, first: Tensor, beta: float) -> Tensor:
    """Before each of `values` `[B, H, C]` and after the last: `[B, H, C + 1]`."""
    keep = 1 - beta
    reach = values.shape[-1] if keep > 0 else 1
    if keep > 0:
        reach = min(reach, math.ceil(math.log(1e-9) / math.log(keep)))  # older ones are nothing
    kernel = beta * keep ** torch.arange(reach - 1, -1, -1, device=values.device).float()
    flat = functional.pad(values.flatten(0, 1)[:, None], (reach, 0))
    recent = functional.conv1d(flat, kernel[None, None]).squeeze(1)
    faded = keep ** torch.arange(values.shape[-1] + 1, device=values.device).float()
    return recent.view(*values.shape[:2], -1) + first[..., None] * faded
