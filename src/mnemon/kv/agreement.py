"""The same tokens for heads or layers that store something together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mnemon.kv.compression import choose

if TYPE_CHECKING:
    from torch import Tensor


def agreed(kept: Tensor, group: int = 1) -> Tensor:
    """The tokens that most of the parties keep, as many as each keeps on average.

    Args:
        kept: `[B, P, C]` booleans, one row a party. Of tokens with as many votes, the newer wins.
        group: the number is a multiple of it.

    Returns:
        `[B, C]` booleans.
    """
    votes = kept.sum(1).float()
    count = kept.sum((1, 2)) // kept.shape[1]
    newer = torch.arange(kept.shape[2], device=kept.device) / (kept.shape[2] + 1)
    ranked = (votes + newer).masked_fill(votes == 0, float("-inf"))
    return choose(ranked[:, None], count[:, None], group)[:, 0]
