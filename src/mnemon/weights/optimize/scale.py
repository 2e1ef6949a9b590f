"""SGD whose gradients are normalized for each output, with momentum on the output layer only.

Glentis et al. 2025, "A Minimalist Optimizer Design for LLM Pretraining" (SCALE),
https://arxiv.org/abs/2506.16659; code: https://github.com/OptimAI-Lab/Minimalist_LLM_Pretraining
(its repository has no licence; nothing of it is copied). As there, a gradient `[O, I]` is divided
by its root mean square over I, the embedding's `[V, D]` over V; vectors go by Adam at that rate.
HOW OURS DIFFERS: of adapters, which have no output layer, nothing has momentum; a tied embedding is
the output layer. Cannot be combined with another optimizer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import torch

from mnemon.weights.optimize import Part
from mnemon.weights.optimize._stepping import Stepping, some

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SCALE"]

_LEAST = 1e-8


@dataclass(frozen=True)
class SCALE:
    """Column-normalized SGD with last-layer momentum.

    Attributes:
        learning_rate: how far the root mean square of a row of weights moves in a step.
        momentum: of the output layer. betas, eps: of Adam, for vectors.
    """

    learning_rate: float = 0.01
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def over(self, parts: Sequence[Part]) -> _Scaled:
        """Begin to train parts."""
        some(parts)
        return _Scaled(parts, self)


class _Scaled:
    def __init__(self, parts: Sequence[Part], options: SCALE) -> None:
        self._matrices = [one for one in parts if one.tensor.ndim > 1]
        self._options, self._moments = options, dict[str, "Tensor"]()
        vectors = [one.tensor for one in parts if one.tensor.ndim < 2]
        self._vectors = None
        if vectors:
            rate, betas = options.learning_rate, options.betas
            self._vectors = Stepping(torch.optim.Adam(vectors, rate, betas, options.eps))

    def step(self, loss: Callable[[], Tensor], share: float) -> Tensor:
        if self._vectors is not None:
            found = self._vectors.step(loss, share)
        else:
            (told := loss()).backward()
            found = told.detach()
        for one in self._matrices:
            if one.tensor.grad is not None:
                self._move(one, one.tensor.grad, share * self._options.learning_rate)
                one.tensor.grad = None
        return found

    @torch.no_grad()
    def _move(self, one: Part, gradient: Tensor, rate: float) -> None:
        if one.role == "output" and self._options.momentum:
            if one.name not in self._moments:
                self._moments[one.name] = torch.zeros_like(gradient)
            gradient = self._moments[one.name].lerp_(gradient, 1 - self._options.momentum)
        across = 0 if one.role == "embedding" else -1
        # In float32 whatever the weights are in, and without a square of the whole gradient.
        size = torch.linalg.vector_norm(gradient, dim=across, keepdim=True, dtype=torch.float32)
        least = max(_LEAST, torch.finfo(gradient.dtype).tiny)
        size = (size / gradient.shape[across] ** 0.5).clamp_min_(least).to(gradient.dtype)
        one.tensor.addcdiv_(gradient, size, value=-rate)

    def kept(self) -> Iterator[Tensor]:
        adam = () if self._vectors is None else self._vectors.kept()
        return chain(self._moments.values(), adam)

    def close(self) -> None:
        self._moments.clear()
        if self._vectors is not None:
            self._vectors.close()
