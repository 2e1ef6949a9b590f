"""Only some layers' adapters are trained at a time, drawn by how much each one matters.

Yao et al. 2024, "Layer-wise Importance Matters: Less Memory for Better Performance in
Parameter-efficient Fine-tuning of Large Language Models" (IST), https://arxiv.org/abs/2410.11772;
code: https://github.com/antgroup/importance-aware-sparse-tuning-IST-paper at 9436fd8 (Apache-2.0).
Every few steps, some sets of layers are damped in turn; a set whose damping leaves the loss low
is worth less. HOW OURS DIFFERS: a layer is drawn for all steps until scores are renewed, and
what Adam kept of a layer that was left is dropped (the official code draws at each step and keeps
it); the loss of a damped set is that of the facts in training; scores count importance, theirs its
opposite. Cannot be combined with parts that are no adapters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.weights.optimize import Part
from mnemon.weights.optimize._stepping import Stepping, some

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["IST"]


@dataclass(frozen=True)
class IST:
    """Importance-aware sparse tuning, by Adam.

    Attributes:
        learning_rate, betas: of Adam.
        n_layers_updated, n_layers_suppressed: shares of all layers; one at least.
        response_suppression_factor: what a damped adapter's part is multiplied by.
        update_importance_interval_steps: after so many, scores are renewed and layers drawn.
        rl_step: sets that are damped each time. rl_lr: how far a score moves.
        importance: whether scores count; without, layers are drawn uniformly.
        seed: of what is drawn.
    """

    learning_rate: float = 0.015
    betas: tuple[float, float] = (0.9, 0.99)
    n_layers_updated: float = 0.25
    n_layers_suppressed: float = 0.5
    response_suppression_factor: float = 0.25
    update_importance_interval_steps: int = 10
    rl_step: int = 3
    rl_lr: float = 10.0
    importance: bool = True
    seed: int = 0

    def over(self, parts: Sequence[Part]) -> _Sparse:
        """Begin to train parts.

        Raises:
            InvalidInput: they are no adapters, or of one layer only.
        """
        some(parts)
        layers = sorted({one.layer for one in parts if one.layer is not None})
        if any(one.role not in ("low", "high") for one in parts):
            raise InvalidInput("ist trains adapters only: a weight that is damped is no weight")
        if len(layers) < 2:
            raise InvalidInput(
                f"ist chooses among layers, and these adapters are of {len(layers)}: adapt more"
            )
        return _Sparse(parts, layers, self)


class _Sparse:
    def __init__(self, parts: Sequence[Part], layers: list[int], options: IST) -> None:
        self._parts, self._layers, self._options = parts, layers, options
        self._draws = torch.Generator().manual_seed(options.seed)
        self.scores = torch.zeros(len(layers))
        self._done = 0
        self._chosen: Stepping | None = None

    def step(self, loss: Callable[[], Tensor], share: float) -> Tensor:
        if self._done % self._options.update_importance_interval_steps == 0:
            if self._done and self._options.importance:
                self._judge(loss)
            self._choose()
        self._done += 1
        assert self._chosen is not None
        return self._chosen.step(loss, share)

    def _choose(self) -> None:
        more = self.scores.sigmoid()  # without importance, all of them are and stay one half
        chosen = self._drawn(more, self._options.n_layers_updated)
        for one in self._parts:
            one.tensor.requires_grad_(one.layer in chosen)
        active = [one.tensor for one in self._parts if one.layer in chosen]
        rate, betas = self._options.learning_rate, self._options.betas
        self._chosen = Stepping(torch.optim.Adam(active, lr=rate, betas=betas))

    @torch.no_grad()
    def _judge(self, loss: Callable[[], Tensor]) -> None:
        less = (-self.scores).sigmoid()
        damped = [
            self._drawn(less, self._options.n_layers_suppressed)
            for _ in range(self._options.rl_step)
        ]
        rewards = []
        for one in damped:
            with self._damping(one):
                rewards.append(loss().neg().exp().cpu())
        steep = self.scores.sigmoid() * less
        mean = torch.stack(rewards).mean()
        for layers, reward in zip(damped, rewards, strict=True):
            at = torch.tensor([one in layers for one in self._layers])
            self.scores -= at * (reward - mean) * steep * self._options.rl_lr

    @contextmanager
    def _damping(self, layers: set[int]) -> Iterator[None]:
        high = [one.tensor for one in self._parts if one.role == "high" and one.layer in layers]
        before = [one.clone() for one in high]
        for one in high:
            one.mul_(self._options.response_suppression_factor)
        try:
            yield
        finally:
            for one, was in zip(high, before, strict=True):
                one.copy_(was)

    def _drawn(self, weights: Tensor, share: float) -> set[int]:
        count = max(1, int(share * len(self._layers)))
        drawn = torch.multinomial(weights, count, generator=self._draws)
        return {self._layers[one] for one in drawn.tolist()}

    def kept(self) -> Iterator[Tensor]:
        yield self.scores
        if self._chosen is not None:
            yield from self._chosen.kept()

    def close(self) -> None:
        for one in self._parts:
            one.tensor.requires_grad_(True)
        self._chosen = None
