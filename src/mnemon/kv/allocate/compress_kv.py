"""Layers that would lose most of their output by eviction keep more.

CompressKV: Semantic Retrieval Heads Know What Tokens are Not Important Before Generation (Lin et
al., 2025), section "Error-aware layer-adaptive cache allocation",
https://arxiv.org/abs/2508.02401; official code TUDa-HWAI/CompressKV, not copied. Its other half,
tokens ranked by each layer's retrieval heads alone, is the scorer `semantic-retrieval-heads`.
How ours differs: the paper measures the error of each layer offline, on LongBench; ours measures
it on the text at hand, with the scorer in use, so nothing has to be stored for a model; `minimum`
is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.kv.apportion import by_layer
from mnemon.kv.needs import Need

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["CompressKV"]


@dataclass(frozen=True)
class CompressKV:
    """Shares in proportion to the relative error of a layer's output at equal budgets.

    Attributes:
        window_size: newest queries whose attention output is compared.
        minimum: what every layer gets, as a share of the mean budget.
    """

    window_size: int = 8
    minimum: float = 0.2

    needs: ClassVar = frozenset({Need.QUERIES, Need.OUTPUT})
    ragged: ClassVar = False

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        """Counts `[B, L, Hkv]`."""
        each = total // (len(scores) * scores[0].shape[1])
        errors = [self.error(view, score, each) for view, score in zip(views, scores, strict=True)]
        lost = torch.stack(errors, 1).double()
        shares = lost / lost.sum(1, keepdim=True).clamp(min=1e-300)
        weights = self.minimum / len(views) + (1 - self.minimum) * shares
        return by_layer(weights, views, scores, total)

    def error(self, view: LayerView, scores: Tensor, count: int) -> Tensor:
        """What a layer's output loses if each head keeps its `count` best tokens, `[B]`.

        The Frobenius norm of the difference, as a share of the full output's.
        """
        candidates = scores.shape[-1]
        rank = scores.argsort(dim=-1, descending=True, stable=True).argsort(-1)
        window = rank.new_full((*rank.shape[:2], view.tokens - candidates), -1)
        kept = torch.cat([rank, window], -1) < count
        weights = view.attention(self.window_size)
        left = weights * kept.repeat_interleave(view.groups, 1)[:, :, None]
        left = left / left.sum(-1, keepdim=True).clamp(min=1e-30)
        full = self._output(view, weights)
        lost: Tensor = torch.linalg.vector_norm(full - self._output(view, left), dim=(1, 2))
        size: Tensor = torch.linalg.vector_norm(full, dim=(1, 2))
        return lost / size.clamp(min=1e-30)

    def _output(self, view: LayerView, weights: Tensor) -> Tensor:
        """What the layer adds to the residual, `[B, Q, d]`, float32."""
        assert view.output_weight is not None
        values = view.values.float().repeat_interleave(view.groups, 1)
        projection = view.output_weight.float()
        added: Tensor = torch.einsum("bhqt,bhtv,hvd->bqd", weights, values, projection)
        return added
