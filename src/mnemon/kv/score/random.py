"""Keep tokens at random: what every other scorer has to beat.

How ours differs: no paper. A token keeps the number it drew, so that what survives many rounds
under a fixed budget is a uniform sample of the whole text; the draw depends on the seed, the layer
and the length of the text, not on the batch or the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["Random"]


@dataclass(frozen=True)
class Random:
    """A random number for each token and head."""

    seed: int = 0

    needs: ClassVar = frozenset({Need.BEFORE})
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]` in [0, 1)."""
        maker = torch.Generator().manual_seed(
            (self.seed * 100_003 + view.layer) * 100_000_007 + view.seen
        )
        drawn = torch.rand(view.keys.shape[1:3], generator=maker).to(view.keys.device)
        drawn = drawn.expand(view.keys.shape[:3])
        return drawn if view.before is None else view.before.where(~view.before.isnan(), drawn)
