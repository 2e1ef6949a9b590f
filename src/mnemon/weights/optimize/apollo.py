"""SGD scaled per channel by what Adam does in a random low-rank subspace: nothing is decomposed.

Zhu et al. 2024, "APOLLO: SGD-like Memory, AdamW-level Performance",
https://arxiv.org/abs/2412.05270, by the authors' package `apollo-torch` (CC-BY-NC: not for
commercial use, so that no extra but its own names it), with the options that transformers'
trainer gives it. HOW OURS DIFFERS: vectors, the embedding, the output layer and matrices that are
no larger than the rank go by plain Adam. Cannot be combined with adapters of a smaller rank than
its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.models.extras import require
from mnemon.weights.optimize import Part
from mnemon.weights.optimize._stepping import Stepping, by_rank, some

__all__ = ["APOLLO"]


@dataclass(frozen=True)
class APOLLO:
    """apollo-torch's AdamW; `rank=1, scale_type="tensor", scale=128` is APOLLO-Mini.

    Attributes:
        rank: of the subspace. proj: how it is found, `random` or `svd`.
        scale_type: what shares one factor, a `channel` or the whole `tensor`.
        update_proj_gap: steps until it is found anew. scale: of the update.
        proj_type: which sides are projected.
    """

    learning_rate: float = 0.015
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    rank: int = 128
    proj: str = "random"
    scale_type: str = "channel"
    update_proj_gap: int = 200
    scale: float = 1.0
    proj_type: str = "std"

    def over(self, parts: Sequence[Part]) -> Stepping:
        """Begin to train parts."""
        some(parts)
        kept = require("apollo_torch", "apollo-torch", "apollo")
        low, rest = by_rank(parts, self.rank, "apollo")
        groups = [{
            "params": low, "rank": self.rank, "proj": self.proj, "scale_type": self.scale_type,
            "update_proj_gap": self.update_proj_gap, "scale": self.scale,
            "proj_type": self.proj_type,
        }, *([{"params": rest}] if rest else [])]  # fmt: skip
        return Stepping(kept.APOLLOAdamW(
            groups, lr=self.learning_rate, betas=self.betas, weight_decay=self.weight_decay
        ))  # fmt: skip
