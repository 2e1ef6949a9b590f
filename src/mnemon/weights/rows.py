"""Training pairs as rows of a batch, and the loss of each shard of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.lesson import Pair

UNASKED = -100
"""In `wanted`: no loss here."""


class Rows(NamedTuple):
    """Ids `[N, T]`, and at each place the next id if it is to be learnt, else `UNASKED`."""

    ids: Tensor
    wanted: Tensor


def rows(shards: Sequence[Sequence[Pair]], device: Any) -> Rows:
    """The pairs of S shards; each shard has as many rows, empty ones at its end."""
    count = max(len(shard) for shard in shards)
    width = max(len(one.prompt) + len(one.target) for shard in shards for one in shard)
    ids = torch.zeros(len(shards) * count, width, dtype=torch.long)
    wanted = torch.full_like(ids, UNASKED)
    for number, shard in enumerate(shards):
        for row, (prompt, target) in enumerate(shard, number * count):
            both = torch.tensor([*prompt, *target])
            ids[row, : len(both)] = both
            wanted[row, len(prompt) - 1 : len(both) - 1] = both[len(prompt) :]
    return Rows(ids.to(device), wanted.to(device))


def losses(logits: Tensor, wanted: Tensor, at: Tensor, count: int) -> Tensor:
    """Mean loss of each shard `[S]`, in nats a token.

    Args:
        logits: `[M, V]`, at the M places that `at` `[N, T]` marks.
    """
    each = torch.zeros(wanted.shape, dtype=logits.dtype, device=logits.device)
    each = each.masked_scatter(at, functional.cross_entropy(logits, wanted[at], reduction="none"))
    return each.reshape(count, -1).sum(1) / at.reshape(count, -1).sum(1)
