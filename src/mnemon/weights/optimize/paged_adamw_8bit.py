"""Eight-bit Adam in unified memory: its moments move to the host when the device is full.

Dettmers et al. 2023, "QLoRA: Efficient Finetuning of Quantized LLMs" (paged optimizers),
https://arxiv.org/abs/2305.14314, by the authors' package `bitsandbytes` (MIT). HOW OURS DIFFERS: it
is refused where the package would quietly not page. Cannot be combined with a model that is not
on a CUDA device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.models.extras import require
from mnemon.weights.optimize import Part
from mnemon.weights.optimize._stepping import Stepping, on_cuda, some

__all__ = ["PagedAdamW8bit"]


@dataclass(frozen=True)
class PagedAdamW8bit:
    """bitsandbytes' PagedAdamW8bit."""

    learning_rate: float = 0.015
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    min_8bit_size: int = 4096

    def over(self, parts: Sequence[Part]) -> Stepping:
        """Begin to train parts."""
        given = some(parts)
        kept = require("bitsandbytes", "bitsandbytes", "optimizers")
        on_cuda(parts, "paged-adamw-8bit", "pages move between a CUDA device and the host")
        return Stepping(kept.optim.PagedAdamW8bit(
            given, lr=self.learning_rate, betas=self.betas, weight_decay=self.weight_decay,
            min_8bit_size=self.min_8bit_size,
        ))  # fmt: skip
