"""LOMO with Adafactor's second moment: a row and a column of numbers for each matrix.

Lv et al. 2023, "AdaLomo: Low-memory Optimization with Adaptive Learning Rate",
https://arxiv.org/abs/2310.10195, by the authors' package `lomo-optim` (MIT). HOW OURS DIFFERS:
no known difference. Cannot be combined with a model that is not on a CUDA device: the package
puts its state there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.models.extras import require
from mnemon.weights.optimize import Part
from mnemon.weights.optimize._fused import Fused, Named
from mnemon.weights.optimize._stepping import on_cuda, some

__all__ = ["AdaLomo"]


@dataclass(frozen=True)
class AdaLomo:
    """lomo-optim's AdaLomo; `learning_rate` is relative to the size of each tensor."""

    learning_rate: float = 0.015
    clip_threshold: float = 1.0
    decay_rate: float = -0.8
    weight_decay: float = 0.0

    def over(self, parts: Sequence[Part]) -> Fused:
        """Begin to train parts."""
        some(parts)
        kept, named = require("lomo_optim", "lomo-optim", "optimizers"), Named(parts)
        on_cuda(parts, "adalomo", "lomo-optim keeps its state on a CUDA device")
        made = kept.AdaLomo(
            named, lr=self.learning_rate, clip_threshold=self.clip_threshold,
            decay_rate=self.decay_rate, weight_decay=self.weight_decay,
        )  # fmt: skip
        return Fused(made, named, self.learning_rate)
