"""Tokens whose values are most off, as a low layer shows for all of them, are computed anew.

Keys and values of the first layer depend on the token alone; those of the second show how much
other chunks change each token, and a token that is off in one layer tends to be off in the next.
CacheBlend: Fast Large Language Model Serving for RAG with Cached Knowledge Fusion (Yao et al.,
2024), section 4, https://arxiv.org/abs/2405.16444; official code YaoJiayi/CacheBlend and
LMCache/LMCache (Apache-2.0), not copied.
How ours differs: the layers below `check_layer` are computed for all tokens, as there, but that
layer's keys and values are seen by beginning it and leaving it, so the selected tokens go through
its projections twice; loading is not pipelined with computing here. `measure="key"` is LMCache's
choice. The paper's numbers for gradual filtering are not told: here the share falls in a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.reuse.blend_view import Blended, BlendView
    from mnemon.kv.reuse.partial import Look

__all__ = ["CacheBlend"]


@dataclass(frozen=True)
class CacheBlend:
    """The `recompute` most deviating of the kept tokens.

    Attributes:
        recompute: share of the kept tokens, in the mean of the layers from `check_layer` on.
        check_layer: the first layer that only those go through; all go through those below.
        measure: what is compared: values, keys, or both, each by the mean of its square.
        gradual: by which part of `recompute` more tokens begin than that, and fewer end: 0.5 goes
            from 1.5 times to half of it, with a look into each layer.
    """

    recompute: float = 0.15
    check_layer: int = 1
    measure: Literal["value", "key", "both"] = "value"
    gradual: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.recompute <= 1 or not 0 <= self.gradual <= 1:
            raise InvalidInput(
                f"recompute={self.recompute}, gradual={self.gradual}: shares are from 0 to 1"
            )

    def blend(self, view: BlendView) -> Blended:
        """A pass that begins with all tokens and goes on with those and the question."""
        last = view.layers - 1
        layers = range(self.check_layer, last + 1 if self.gradual else self.check_layer + 1)
        narrow = {
            layer: partial(self._most_off, view, self._count(view, layer, last)) for layer in layers
        }
        return view.computed(torch.ones_like(view.kept), narrow)

    def _count(self, view: BlendView, layer: int, last: int) -> int:
        """How many kept tokens go through a layer."""
        way = (layer - self.check_layer) / max(1, last - self.check_layer)
        share = self.recompute * (1 + self.gradual * (1 - 2 * way))
        return round(min(1.0, share) * int(view.kept.sum()))

    def _most_off(self, view: BlendView, count: int, look: Look) -> Tensor:
        off = self._deviation(look).masked_fill(~view.kept[look.places], -1.0)
        chosen = torch.zeros_like(off, dtype=torch.bool)
        chosen[off.topk(min(count, len(off))).indices] = True
        return chosen

    def _deviation(self, look: Look) -> Tensor:
        """By how much each token is off, `[n]`."""
        pairs = {
            "key": [(look.keys, look.old_keys)],
            "value": [(look.values, look.old_values)],
            "both": [(look.keys, look.old_keys), (look.values, look.old_values)],
        }[self.measure]
        return torch.stack([_off(new, old) for new, old in pairs]).sum(0)


def _off(new: Tensor, old: Tensor) -> Tensor:
    """Squared distance by the mean square of what was there, `[n]`."""
    return (new - old).float().square().mean((0, 2)) / old.float().square().mean()
