"""Sharing out whole tokens by weight: what every allocator ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mnemon.kv.view import LayerView


def apportion(weights: Tensor, total: int, cap: Tensor | int, floor: Tensor | int = 0) -> Tensor:
    """Split `total` in proportion to `weights`, by largest remainder; the earlier of equals.

    What a share would have above its cap goes to the others, in proportion again.

    Args:
        weights: `[..., n]`, not negative; if those that can take more are all 0, they share
            equally.
        total: what all n shares of a row hold together.
        cap: the most that a share may hold, one for all or `[..., n]`.
        floor: what a share holds at least, as far as `total` and `cap` allow.

    Returns:
        `[..., n]` integers on the CPU that sum to `total` exactly, or to the caps if those are
        less.
    """
    weights = weights.detach().double().cpu()
    most = torch.as_tensor(cap).cpu().long().expand(weights.shape)
    least = torch.minimum(torch.as_tensor(floor).cpu().long().expand(weights.shape), most)
    goal = most.sum(-1).clamp(max=total)
    if bool((least.sum(-1) > goal).any()):
        least = torch.zeros_like(least)
    shares = _above(weights, goal, most, least)
    whole = torch.minimum(shares.floor().long(), most)
    rest = (shares - whole).masked_fill(whole >= most, -1.0)
    order = rest.argsort(dim=-1, descending=True, stable=True)
    rank = order.argsort(dim=-1)
    return whole + (rank < (goal - whole.sum(-1))[..., None]).long()


def _above(weights: Tensor, goal: Tensor, most: Tensor, least: Tensor) -> Tensor:
    """Proportional shares between `least` and `most`, not yet whole."""
    low = torch.zeros_like(most, dtype=torch.bool)
    while True:
        left = goal - (least * low).sum(-1)
        shares = _shares(weights, left, most.masked_fill(low, 0))
        under = (shares < least) & ~low
        if not bool(under.any()):
            return torch.where(low, least.double(), shares)
        low = low | under


def _shares(weights: Tensor, goal: Tensor, room: Tensor) -> Tensor:
    """Proportional shares of `goal` `[...]` that stay within `room` `[..., n]`."""
    full = room == 0
    while True:
        left = goal - (room * full).sum(-1)
        open_ = weights.masked_fill(full, 0.0)
        open_ = torch.where(open_.sum(-1, keepdim=True) > 0, open_, (~full).double())
        shares = left[..., None] * open_ / open_.sum(-1, keepdim=True).clamp(min=1e-300)
        over = (shares > room) & ~full
        if not bool(over.any()):
            return torch.where(full, room.double(), shares)
        full = full | over


def by_layer(
    weights: Tensor, views: Sequence[LayerView], scores: Sequence[Tensor], total: int
) -> Tensor:
    """Counts for layers of the given weights `[B, L]`; the heads of a layer keep the same number.

    Returns:
        `[B, L, Hkv]` integers: sinks at least, candidates at most.
    """
    heads = scores[0].shape[1]
    cap = caps(scores).amin(-1)
    counts = apportion(weights, total // heads, cap, views[0].sinks)
    return counts[..., None].expand(-1, -1, heads)


def caps(scores: Sequence[Tensor]) -> Tensor:
    """Candidates that each row really holds (others score minus infinity): `[B, L, Hkv]`."""
    return torch.stack([(score > float("-inf")).sum(-1) for score in scores], 1).cpu()


def mass(scores: Tensor) -> Tensor:
    """Scores `[B, Hkv, C]` as shares that are not negative and sum to 1 in each row.

    A row with negative scores is moved up to start at 0. Sinks (infinity) and rows' missing tokens
    (minus infinity) count 0.
    """
    finite = scores.isfinite()
    lowest = scores.masked_fill(~finite, 0.0).amin(-1, keepdim=True)
    moved = (scores - lowest.clamp(max=0.0)).masked_fill(~finite, 0.0).double()
    return moved / moved.sum(-1, keepdim=True).clamp(min=1e-300)
