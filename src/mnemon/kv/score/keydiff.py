"""Keep the keys that are unlike the average key.

KeyDiff: Key Similarity-Based KV Cache Eviction for Long-Context LLM Inference (Park et al., 2025),
https://arxiv.org/abs/2504.15364; kvpress (Apache-2.0), not copied.
How ours differs: no known difference in the score. The paper evicts block by block while the prompt
is read; here the first pass is compressed as a whole, unless the prompt is given in pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch.nn.functional import cosine_similarity, normalize

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["KeyDiff"]


@dataclass(frozen=True)
class KeyDiff:
    """Minus the cosine to the mean of the head's keys, each taken at length 1."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]` in [-1, 1]."""
        keys = normalize(view.keys.float(), dim=-1)  # what is not present is zero and stays so
        return -cosine_similarity(keys, keys.sum(2, keepdim=True), dim=-1)
