"""SGD fused with the backward pass: a weight moves as soon as its gradient is there, which goes.

Lv et al. 2023, "Full Parameter Fine-tuning for Large Language Models with Limited Resources",
https://arxiv.org/abs/2306.09782, by the authors' package `lomo-optim` (MIT). HOW OURS DIFFERS: no
clipping of the whole gradient by default, which would take a second backward pass. Cannot be
combined with gradients that are summed over several batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.models.extras import require
from mnemon.weights.optimize import Part
from mnemon.weights.optimize._fused import Fused, Named
from mnemon.weights.optimize._stepping import some

__all__ = ["LOMO"]


@dataclass(frozen=True)
class LOMO:
    """lomo-optim's Lomo."""

    learning_rate: float = 0.5
    clip_grad_value: float | None = None
    weight_decay: float = 0.0

    def over(self, parts: Sequence[Part]) -> Fused:
        """Begin to train parts."""
        some(parts)
        kept, named = require("lomo_optim", "lomo-optim", "optimizers"), Named(parts)
        made = kept.Lomo(
            named, lr=self.learning_rate, clip_grad_value=self.clip_grad_value,
            weight_decay=self.weight_decay,
        )  # fmt: skip
        return Fused(made, named, self.learning_rate)
