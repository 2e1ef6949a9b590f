"""What tokens received of the attention of the newest queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.view import LayerView


def summed(view: LayerView, queries: int | None = None) -> Tensor:
    """The sum of the weights that the newest `queries` (all by default) give: `[B, Hq, T]`."""
    blocks = [block.sum(2) for block in view.attention_blocks(queries)]
    return torch.stack(blocks).sum(0)


def above_even(view: LayerView, queries: int) -> tuple[Tensor, Tensor]:
    """How often each token got at least an even share, 1 / t for a query that sees t tokens.

    Returns:
        the number of such queries among the newest `queries`, and the mean weight: `[B, Hkv, T]`,
        means over the query heads of each key-value head.
    """
    times, weights, asked = [], [], 0
    for block in view.attention_blocks(queries):
        share = 1 / (block > 0).sum(-1, keepdim=True)
        times.append((block >= share).float().sum(2))
        weights.append(block.sum(2))
        asked += block.shape[2]
    mean = torch.stack(weights).sum(0) / asked
    return view.by_key_head(torch.stack(times).sum(0)), view.by_key_head(mean)
