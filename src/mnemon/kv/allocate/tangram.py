"""Far-sighted heads keep everything, the others only sinks and window.

Tangram (Kim et al., 2026, https://arxiv.org/abs/2606.06302, sections on budget reservation):
retention ratios of heads calibrated offline, so that budgets are known at admission.
How ours differs: the ratios follow from the profile's order (`mnemon.kv.profile`): heads are filled
one after another, the most far-sighted first, until the budget is spent; one head in between keeps
what the scorer ranks best. The paper's page tables are not needed: rows are stored ragged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.errors import InvalidInput
from mnemon.kv.apportion import caps
from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["Tangram"]


@dataclass(frozen=True)
class Tangram:
    """Offline head budgets."""

    needs: ClassVar = frozenset({Need.PROFILE})
    ragged: ClassVar = True

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Counts `[B, L, Hkv]`.

        Raises:
            InvalidInput: the profile is of a model of another shape.
        """
        heads = scores[0].shape[1]
        profile = views[0].profile
        assert profile is not None
        weights = torch.tensor(profile.weights)
        if weights.shape != (len(views), heads):
            raise InvalidInput(
                f"the head profile is for {tuple(weights.shape)} layers and heads, the model has "
                f"{(len(views), heads)}: measure it again"
            )
        costs = torch.stack(
            [torch.ones(heads) if view.costs is None else view.costs for view in views]
        ).reshape(-1)
        most = caps(scores).flatten(1)
        counts = most.clamp(max=views[0].sinks)
        order = weights.reshape(-1).argsort(descending=True, stable=True).tolist()
        filled = [
            _filled(row, room, costs.tolist(), order, total)
            for row, room in zip(counts.tolist(), most.tolist(), strict=True)
        ]
        return torch.tensor(filled).reshape(-1, *weights.shape)


def _filled(
    counts: list[int], most: list[int], costs: list[float], order: list[int], total: float
) -> list[int]:
    """Counts of one sequence's heads, those first in `order` filled first."""
    left = total - sum(count * cost for count, cost in zip(counts, costs, strict=True))
    for head in order:
        more = min(most[head] - counts[head], int(max(left, 0.0) / costs[head]))
        counts[head] += more
        left -= more * costs[head]
    return counts
