"""Adam whose two moments are kept in eight bits, block by block.

Dettmers et al. 2021, "8-bit Optimizers via Block-wise Quantization",
https://arxiv.org/abs/2110.02861, by the authors' package `bitsandbytes` (MIT). HOW OURS DIFFERS: no
known difference. Cannot be combined with tensors under `min_8bit_size` numbers, whose moments
stay in 32 bits: most adapters of small models are smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.models.extras import require
from mnemon.weights.optimize import Part
from mnemon.weights.optimize._stepping import Stepping, some

__all__ = ["AdamW8bit"]


@dataclass(frozen=True)
class AdamW8bit:
    """bitsandbytes' AdamW8bit."""

    learning_rate: float = 0.015
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    min_8bit_size: int = 4096

    def over(self, parts: Sequence[Part]) -> Stepping:
        """Begin to train parts."""
        given = some(parts)
        kept = require("bitsandbytes", "bitsandbytes", "optimizers")
        return Stepping(kept.optim.AdamW8bit(
            given, lr=self.learning_rate, betas=self.betas, weight_decay=self.weight_decay,
            min_8bit_size=self.min_8bit_size,
        ))  # fmt: skip
