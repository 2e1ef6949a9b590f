"""Adam in a low-rank subspace of each matrix' gradient, found anew by SVD every few hundred steps.

Zhao et al. 2024, "GaLore: Memory-Efficient LLM Training by Gradient Low-Rank Projection",
https://arxiv.org/abs/2403.03507, by the authors' package `galore-torch` (Apache-2.0), with the
options that transformers' trainer gives it. HOW OURS DIFFERS: vectors, the embedding, the output
layer and matrices that are no larger than the rank go by plain Adam. Cannot be combined with
adapters of a smaller rank than its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.models.extras import require
from mnemon.weights.optimize import Part
from mnemon.weights.optimize._stepping import Stepping, by_rank, some

__all__ = ["GaLore"]


@dataclass(frozen=True)
class GaLore:
    """galore-torch's AdamW.

    Attributes:
        rank: of the subspace. update_proj_gap: steps until it is found anew.
        scale: of the update that is projected back. proj_type: which sides are projected.
    """

    learning_rate: float = 0.015
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    rank: int = 128
    update_proj_gap: int = 200
    scale: float = 0.25
    proj_type: str = "std"

    def over(self, parts: Sequence[Part]) -> Stepping:
        """Begin to train parts."""
        some(parts)
        kept = require("galore_torch", "galore-torch", "optimizers")
        low, rest = by_rank(parts, self.rank, "galore")
        groups = [{
            "params": low, "rank": self.rank, "update_proj_gap": self.update_proj_gap,
            "scale": self.scale, "proj_type": self.proj_type,
        }, *([{"params": rest}] if rest else [])]  # fmt: skip
        return Stepping(kept.GaLoreAdamW(
            groups, lr=self.learning_rate, betas=self.betas, weight_decay=self.weight_decay,
            no_deprecation_warning=True,
        ))  # fmt: skip
