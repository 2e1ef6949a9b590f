"""Plain stochastic gradient descent: nothing is kept between steps; the other reference.

Robbins and Monro 1951, "A Stochastic Approximation Method",
https://doi.org/10.1214/aoms/1177729586, by torch.optim.SGD. HOW OURS DIFFERS: no known difference.
Cannot be combined with another optimizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mnemon.weights.optimize import Part
from mnemon.weights.optimize._stepping import Stepping, some

__all__ = ["SGD"]


@dataclass(frozen=True)
class SGD:
    """torch's SGD."""

    learning_rate: float = 0.5
    momentum: float = 0.0
    weight_decay: float = 0.0

    def over(self, parts: Sequence[Part]) -> Stepping:
        """Begin to train parts."""
        return Stepping(torch.optim.SGD(
            some(parts), lr=self.learning_rate, momentum=self.momentum,
            weight_decay=self.weight_decay,
        ))  # fmt: skip
