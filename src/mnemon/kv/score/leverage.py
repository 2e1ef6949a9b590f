"""Keep the keys that no others can stand for: those of high statistical leverage.

The geometric half of Compactor: Calibrated KV Cache Compression with Approximate Leverage Scores
(Chari & Van Durme, 2025), https://arxiv.org/abs/2507.08143; official code vnchari/compactor-vllm,
and kvpress (Apache-2.0), neither copied.
How ours differs: leverage is taken over the whole text (the official code takes 512 tokens at a
time) with a relative ridge, by a Cholesky solve instead of an SVD; sinks are left out of it. Not
for models without rotary embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mnemon.kv.needs import Need
from mnemon.kv.score._sketch import leverage

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["Leverage"]


@dataclass(frozen=True)
class Leverage:
    """Approximate leverage of pre-RoPE keys.

    Attributes:
        sketch_dimension: rank of the Gaussian sketch. seed: what it is drawn from.
    """

    sketch_dimension: int = 48
    seed: int = 0

    needs: ClassVar = frozenset({Need.PRE_ROPE})
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`."""
        return leverage(view, self.sketch_dimension, self.seed)
