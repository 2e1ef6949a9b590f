"""Muon: momentum, made orthogonal, for the matrices of the model.

Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/. The same update as
`torch.optim.Muon`: Nesterov, five Newton-Schulz steps (in bfloat16 on a GPU), the rate scaled with
√(rows / columns) where there are more rows. HOW OURS DIFFERS: matrices of one shape are stacked and
stepped together. On an H200 a step of this model's 56 takes 4.4 ms so, and 25.7 ms one by one.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_STEPS = 5
_EPSILON = 1e-7


class Muon:
    """The optimiser of some matrices; their gradients are dropped after each step."""

    def __init__(self, matrices: Iterable[Tensor], weight_decay: float) -> None:
        stacks: dict[tuple[int, ...], list[Tensor]] = {}
        for one in matrices:
            stacks.setdefault(tuple(one.shape), []).append(one)
        self._stacks = list(stacks.values())
        self._momenta = [torch.zeros_like(torch.stack(list(one))) for one in self._stacks]
        self._weight_decay = weight_decay

    @torch.no_grad()
    def step(self, rate: float, momentum: float) -> None:
        """One step at a learning rate."""
        for stack, moving in zip(self._stacks, self._momenta, strict=True):
            gradients = torch.stack([one.grad for one in stack if one.grad is not None])
            moving.lerp_(gradients, 1 - momentum)
            update = orthogonal(gradients.lerp(moving, momentum))
            rows, columns = update.shape[-2:]
            scaled = rate * max(1.0, rows / columns) ** 0.5
            for one, change in zip(stack, update, strict=True):
                one.mul_(1 - rate * self._weight_decay).add_(change, alpha=-scaled)
                one.grad = None


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest orthogonal matrices, roughly, of a stack `[B, M, N]`."""
    a, b, c = _COEFFICIENTS
    x = matrices.bfloat16() if matrices.is_cuda else matrices.float()  # many CPUs emulate bfloat16
    tall = x.size(-2) > x.size(-1)
    x = x.mT if tall else x
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=_EPSILON)
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    found: Tensor = (x.mT if tall else x).to(matrices.dtype)
    return found
