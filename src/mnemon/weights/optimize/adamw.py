"""Adam with decoupled weight decay: two moments of every weight; the reference of the slot.

Loshchilov and Hutter 2017, "Decoupled Weight Decay Regularization",
https://arxiv.org/abs/1711.05101, by torch.optim.AdamW. HOW OURS DIFFERS: no weight decay by
default, and betas as `lora` has them; fused on a CUDA device, where torch's default would hold
further copies of all that is trained. Cannot be combined with another optimizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mnemon.weights.optimize import Part
from mnemon.weights.optimize._stepping import Stepping, some

__all__ = ["AdamW"]


@dataclass(frozen=True)
class AdamW:
    """torch's AdamW."""

    learning_rate: float = 0.015
    betas: tuple[float, float] = (0.9, 0.99)
    eps: float = 1e-8
    weight_decay: float = 0.0

    def over(self, parts: Sequence[Part]) -> Stepping:
        """Begin to train parts."""
        given = some(parts)
        fused = all(one.device.type == "cuda" for one in given) or None
        return Stepping(torch.optim.AdamW(
            given, lr=self.learning_rate, betas=self.betas, eps=self.eps,
            weight_decay=self.weight_decay, fused=fused,
        ))  # fmt: skip
