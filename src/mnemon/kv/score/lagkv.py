"""Keep what stands out against the tokens that come right after it.

LagKV: Lag-Relative Information of the KV Cache Tells Which Tokens Are Important (Liang et al.,
2025), https://arxiv.org/abs/2504.04704; kvpress (Apache-2.0), not copied. The text is cut into
partitions of `lag_size`; the channels of a partition's keys and values are put on the scale of
the next partition's, and tokens whose channels then differ most are informative.
How ours differs: sinks are the policy's; channels that do not vary in the next partition are left
out instead of giving infinities. The last partition, which has none after it, is kept whole before
others; a text of less than two partitions is ranked by recency (both as in the official code).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView

__all__ = ["LagKV"]


@dataclass(frozen=True)
class LagKV:
    """Each token's rank in its partition, of `lag_size` tokens, by lag-relative deviation."""

    lag_size: int = 128

    needs: ClassVar[frozenset[Need]] = frozenset()
    question: ClassVar[Literal["agnostic"]] = "agnostic"
    across_heads: ClassVar = False

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]` in [0, 1]."""
        place = torch.arange(view.tokens, dtype=torch.float32, device=view.keys.device)
        scores = (place / view.tokens).expand(view.keys.shape[:3])
        whole = (view.tokens - view.sinks) // self.lag_size
        if whole < 2:
            return scores
        end = view.sinks + whole * self.lag_size
        there = torch.ones_like(scores, dtype=torch.bool) if view.present is None else view.present
        cut = [
            one[:, :, view.sinks : end].reshape(*one.shape[:2], whole, self.lag_size, -1)
            for one in (view.keys.float(), view.values.float(), there[..., None])
        ]
        told = (_deviation(cut[0], cut[2]) + _deviation(cut[1], cut[2])) / 2
        ranks = told.argsort(-1).argsort(-1) / self.lag_size
        scores = torch.ones_like(scores)
        scores[..., view.sinks : end - self.lag_size] = ranks.flatten(2)
        return scores


def _deviation(states: Tensor, there: Tensor) -> Tensor:
    """How each token's channels spread on the next partition's scale: `[B, Hkv, P - 1, lag]`.

    Args:
        states: `[B, Hkv, P, lag, D]`. there: `[B, Hkv, P, lag, 1]`, false where no token is.
    """
    least = states.masked_fill(~there, float("inf"))[:, :, 1:].amin(3, keepdim=True)
    most = states.masked_fill(~there, float("-inf"))[:, :, 1:].amax(3, keepdim=True)
    reach = most - least
    scaled = (states[:, :, :-1] - least) / reach
    scaled = scaled.masked_fill(~(reach > 0), 0)
    spread = scaled.std(-1).masked_fill(~there[:, :, :-1, :, 0], float("-inf"))
    return spread.softmax(-1).nan_to_num(0)
