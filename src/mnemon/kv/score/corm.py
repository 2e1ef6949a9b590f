"""Drop what none of the last queries has found important: neighbouring queries are alike.

CORM: Cache Optimization with Recent Message for Large Language Model Inference (Dai et al., 2024;
first called "Sequence can Secretly Tell You What to Discard"),
https://arxiv.org/abs/2404.15949; no official code known.
How ours differs: the paper has no budget. Here what no query found important scores minus
infinity and goes even if there is room, and the policy's budget is a ceiling, under which those
found important most often stay (then by mean attention). At a budget of 1.0 nothing goes.
The paper's recent window is the policy's `window`. Rows end up with different
lengths whatever the allocator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mnemon.kv.needs import Need
from mnemon.kv.score._received import above_even

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["CORM"]


@dataclass(frozen=True)
class CORM:
    """How many of the last `window_size` queries gave a token at least 1 / t."""

    window_size: int = 256

    needs: ClassVar = frozenset({Need.QUERIES})
    question: ClassVar[Literal["aware"]] = "aware"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`; minus infinity for what is to go."""
        times, mean = above_even(view, self.window_size)
        return (times + mean).masked_fill(times == 0, float("-inf"))
