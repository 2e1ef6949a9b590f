"""Heavy hitters: the tokens that all queries together have attended to most.

H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large Language Models (Zhang et al.,
NeurIPS 2023), https://arxiv.org/abs/2306.14048; official code FMInference/H2O
(Apache-2.0), not copied.
How ours differs: sums are brought up to date, and tokens evicted, when the cache is compressed and
not at each step; attention is computed anew in blocks of queries, over the tokens still held. Under
a budget in tokens or bytes the sums of stored tokens run on (those of the window begin anew); under
a fraction what is stored stays as it is. The recent half is the policy's `window` (the paper
halves the budget: set it so). The sum favours old tokens, which more queries have seen; so does
the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mnemon.kv.needs import Need
from mnemon.kv.score._received import summed

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["H2O"]


@dataclass(frozen=True)
class H2O:
    """Accumulated attention, the mean over a key head's query heads."""

    needs: ClassVar = frozenset({Need.ALL_QUERIES, Need.BEFORE})
    question: ClassVar[Literal["aware"]] = "aware"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`."""
        received = view.by_key_head(summed(view))
        if view.before is None:
            return received
        return received + view.before.where(~view.before.isnan(), 0)
