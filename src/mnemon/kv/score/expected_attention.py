"""The attention that queries to come would give, were they distributed as those so far.

Expected Attention: KV Cache Compression by Estimating Attention from Future Queries Distribution
(Devoto et al., 2025), https://arxiv.org/abs/2510.00636; official code in NVIDIA/kvpress
(Apache-2.0), not copied. Queries before rotary embedding are taken as Gaussian; mean and covariance
are turned to the average of the next positions; the expectation of the exponential is then closed.
How ours differs: sinks are the policy's; queries are those since the last compression, which while
decoding are as few as the policy's `block`. Not for models without rotary embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from mnemon.kv.needs import Need
from mnemon.kv.score._sketch import counted

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView

__all__ = ["ExpectedAttention"]


@dataclass(frozen=True)
class ExpectedAttention:
    """Expected attention of future queries, times the length of the value.

    Attributes:
        n_future_positions: how many positions ahead are averaged.
        use_covariance: whether the queries' spread counts, not their mean alone.
        use_vnorm: whether to multiply by the value's length. epsilon: added before that.
    """

    n_future_positions: int = 512
    use_covariance: bool = True
    use_vnorm: bool = True
    epsilon: float = 0.0

    needs: ClassVar = frozenset({Need.PRE_ROPE, Need.ALL_QUERIES})
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`."""
        queries = view.pre_rope_queries.float()
        if queries.shape[2] == view.tokens:
            queries = queries[:, :, view.sinks :]
        keys = view.keys.float().repeat_interleave(view.groups, 1)
        turn = self._turn(view)
        mean = queries.mean(2, keepdim=True)
        logits = (keys @ (mean @ turn).transpose(2, 3))[..., 0] * view.scaling
        if self.use_covariance:
            spread = (queries - mean) @ turn
            covariance = spread.transpose(2, 3) @ spread / queries.shape[2]
            logits = logits + ((keys @ covariance) * keys).sum(-1) * view.scaling**2 / 2
        there = counted(view).repeat_interleave(view.groups, 1)
        expected = view.by_key_head(logits.masked_fill(~there, float("-inf")).softmax(-1))
        if self.use_vnorm:
            expected = (expected + self.epsilon) * view.values.float().norm(dim=-1)
        return expected

    def _turn(self, view: LayerView) -> Tensor:
        """The mean rotation of the next positions, `[B, 1, D, D]`; multiply from the right."""
        assert view.rope is not None and view.positions is not None
        ahead = torch.arange(1, self.n_future_positions + 1, device=view.keys.device)
        places = view.positions[:, 0, -1:] + ahead
        axes = torch.eye(view.keys.shape[-1], device=view.keys.device)
        each = axes[:, None].expand(*places.shape[:1], -1, places.shape[1], -1)
        return view.rope.rotate(each, places).mean(2)[:, None]
