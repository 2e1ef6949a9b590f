"""A few layers attend to everything and say which tokens the layers after them read.

The first layers attend in full. Then selection layers, which attend in full as well, sum their
heads' attention and pick the best tokens; each layer up to the next selection layer reads only
those, and the newest. DELTA: Dynamic Layer-Aware Token Attention for Efficient Long-Context
Reasoning (Entezari Zarch et al., 2025), https://arxiv.org/abs/2510.09883; official code
hoenza/DELTA, not copied.
How ours differs: selection layers are evenly spaced (the paper chooses them model by model),
tokens are picked one by one and not in pages, and the other layers' caches are elsewhere instead
of on the GPU. The full layers come on top of the budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.retrieve import Step
    from mnemon.kv.view import LayerView

__all__ = ["DELTA"]


@dataclass(frozen=True)
class DELTA:
    """Selection layers pick tokens for the layers that follow.

    Attributes:
        full_layers: first layers that attend to everything.
        delta_layers: selection layers, the first of them right after those.
    """

    full_layers: int = 2
    delta_layers: int = 3

    needs: ClassVar[frozenset[Need]] = frozenset()

    def whole(self, view: LayerView) -> Tensor:
        """All heads of the first layers and of the selection layers."""
        full = view.place < self.full_layers or view.place in self._selecting(view.layers)
        return torch.full((view.keys.shape[1],), full)

    def index(self, view: LayerView, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Nothing: the keys of the selection layers are resident."""
        return {}

    def select(self, step: Step, state: dict[str, Any]) -> Tensor | None:
        """The last selection layer's tokens, the same in all heads."""
        if step.place in self._selecting(step.layers):
            attended = step.attention().sum((1, 2)).amax(1)
            state["chosen"] = attended.topk(step.budget, dim=-1).indices
        if not step.heads:
            return None
        chosen: Tensor = state["chosen"]
        return chosen[:, None].expand(-1, len(step.heads), -1)

    def _selecting(self, layers: int) -> set[int]:
        first = min(self.full_layers, layers - 1)
        count = min(self.delta_layers, layers - first)
        return {first + place * (layers - first) // count for place in range(count)}
