"""A few heads attend to everything and publish their best tokens; the others reuse them.

Head by head: a sparse head reads the tokens that the nearest retrieval head below it, at the same
place in its layer, has picked in this step. LycheeDecode: Accelerating Long-Context LLM Inference
via Hybrid-Head Sparse Decoding (Lin et al., ICLR 2026),
https://arxiv.org/abs/2602.04541; official code not looked at.
How ours differs: the roles of heads come from the model's head profile (`mnemon.kv.profile`)
instead of HardKuma gates that are trained for it; a head is a key-value head, whose query heads
vote together. All heads of the first layer retrieve, as in the paper. Retrieval heads come on top
of the budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.retrieve import Step
    from mnemon.kv.view import LayerView

__all__ = ["LycheeDecode"]


@dataclass(frozen=True)
class LycheeDecode:
    """Retrieval heads pick, sparse heads follow.

    Attributes:
        retrieval: the share of key-value heads that retrieve, those of the first layer apart.
    """

    retrieval: float = 0.125

    needs: ClassVar = frozenset({Need.PROFILE})

    def whole(self, view: LayerView) -> Tensor:
        """The layer's retrieval heads."""
        assert view.profile is not None
        weights = torch.tensor(view.profile.weights)
        if view.place == 0:
            return torch.ones(weights.shape[1], dtype=torch.bool)
        later = weights[1:].flatten()
        best = later.argsort(descending=True, stable=True)[: round(self.retrieval * len(later))]
        roles = torch.zeros_like(later, dtype=torch.bool)
        roles[best] = True
        return roles.view(-1, weights.shape[1])[view.place - 1]

    def index(self, view: LayerView, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Nothing: the keys of retrieval heads are resident."""
        return {}

    def select(self, step: Step, state: dict[str, Any]) -> Tensor | None:
        """For each sparse head what was published last at its place."""
        if step.whole:
            best = step.attention().sum(2).amax(2).topk(step.budget, dim=-1).indices
            published = best.clone() if step.place == 0 else state["published"].clone()
            published[:, list(step.whole)] = best
            state["published"] = published
        if not step.heads:
            return None
        chosen: Tensor = state["published"]
        return chosen[:, list(step.heads)]
