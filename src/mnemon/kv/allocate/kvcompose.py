"""Layers are ranked by composite tokens: the i-th best of every head, taken together.

Heads choose their own tokens but all heads of a layer keep equally many, so that a layer stays a
rectangle; layers share the budget by how their composite tokens rank among all. KVCompose:
Efficient Structured KV Cache Compression with Composite Tokens (Akulov et al., 2025),
https://arxiv.org/abs/2509.05165; the authors' code in NVIDIA/kvpress (Apache-2.0), not copied.
How ours differs: the scores are any scorer's; the code adds the mean over heads to them, and makes
the first layer's composites at least as good as any other layer's, which ours does not. Scores of
different layers are compared, so take a scorer in units of attention (`snapkv`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.kv.apportion import caps

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["KVCompose"]


@dataclass(frozen=True)
class KVCompose:
    """The best composite tokens of all layers are kept; a composite's score is its heads' mean."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    ragged: ClassVar = False

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Counts `[B, L, Hkv]`, equal within a layer."""
        heads = scores[0].shape[1]
        ranked = [score.sort(dim=-1, descending=True).values.mean(1) for score in scores]
        composites = torch.stack(ranked, 1)
        order = composites.flatten(1).argsort(dim=-1, descending=True, stable=True).argsort(-1)
        kept = (order < total // heads).view_as(composites).sum(-1).cpu()
        return torch.minimum(kept, caps(scores).amin(-1))[..., None].expand(-1, -1, heads)
