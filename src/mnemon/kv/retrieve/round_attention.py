"""Whole rounds of a dialogue are fetched, chosen once a turn, for all upper layers at once.

Up to a watershed layer the cache stays resident. There the rounds are ranked by the attention that
the turn's queries give to them; the best, as many as fit, are fetched for every layer above. Round
Attention: A Novel Round-Level Attention Mechanism to Accelerate LLM Inference (Tang et al., 2025),
https://arxiv.org/abs/2502.15294; no official code known.
How ours differs: the number of rounds is what the budget holds, and the watershed is a share of
the depth (the paper finds it model by model); tokens of the turn's own round that have left the
tail are always read, for which the choice is made again when a block leaves it. A round that is
longer than the budget is read from its end if no round fits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch.nn.utils.rnn import pad_sequence

from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.retrieve import Step
    from mnemon.kv.view import LayerView

__all__ = ["RoundAttention"]


@dataclass(frozen=True)
class RoundAttention:
    """The rounds that the watershed layer attends to most.

    Attributes:
        watershed: the layer that chooses, as a share of the depth; it and those below stay whole.
        separator: the token id that begins a round; -1: each pass of several tokens is a round.
    """

    watershed: float = 0.5
    separator: int = -1

    needs: ClassVar = frozenset({Need.ROUNDS})

    def whole(self, view: LayerView) -> Tensor:
        """All heads up to the watershed layer."""
        lower = view.place <= self._chooser(view.layers)
        return torch.full((view.keys.shape[1],), lower)

    def index(self, view: LayerView, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`rounds` `[B, N]` of the candidates, in the watershed layer."""
        if view.place != self._chooser(view.layers):
            return {}
        assert view.rounds is not None
        new = view.rounds[:, : view.tokens - view.window]
        return {"rounds": torch.cat([before["rounds"], new], 1) if before else new.clone()}

    def select(self, step: Step, state: dict[str, Any]) -> Tensor | None:
        """The turn's rounds, the same in all heads of all layers above the watershed."""
        if step.place == self._chooser(step.layers):
            again = step.queries.shape[2] > 1 or state.get("tokens") != step.tokens
            if again or state["chosen"].shape[1] > step.budget:
                state["chosen"], state["tokens"] = self._choice(step), step.tokens
        if not step.heads:
            return None
        chosen: Tensor = state["chosen"]
        return chosen[:, None].expand(-1, len(step.heads), -1)

    def _chooser(self, layers: int) -> int:
        return min(int(self.watershed * layers), layers - 1)

    def _choice(self, step: Step) -> Tensor:
        """Candidates of the best rounds that fit, `[B, K]`, -1 where there are fewer."""
        attended = step.attention().mean((1, 2, 3)).cpu()
        rounds = step.index["rounds"].cpu()
        answering = step.queries.shape[2] == 1
        rows = [
            _fitting(row, seen, step.budget, answering)
            for row, seen in zip(rounds, attended, strict=True)
        ]
        chosen = pad_sequence(rows, batch_first=True, padding_value=-1)
        return chosen.to(step.queries.device)


def _fitting(rounds: Tensor, attended: Tensor, budget: int, answering: bool) -> Tensor:
    """The candidates of one sequence that are read, `[K]`.

    While answering, the newest round is the one being written and comes first.
    """
    numbers, which = torch.unique(rounds, return_inverse=True)
    liking = torch.zeros(len(numbers)).scatter_add_(0, which, attended)
    if answering:
        liking[-1] = float("inf")
    order = liking.argsort(descending=True, stable=True).tolist()
    sizes = which.bincount().tolist()
    room, taken = budget, []
    for one in order:
        if sizes[one] <= room:
            room -= sizes[one]
            taken.append(one)
    if not taken:
        whole: Tensor = (which == order[0]).nonzero()[:, 0]
        return whole[sizes[order[0]] - budget :]
    return torch.isin(which, torch.tensor(taken)).nonzero()[:, 0]
