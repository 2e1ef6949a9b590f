"""Scores on a common scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def standardized(scores: Tensor, counted: Tensor, dims: int | tuple[int, ...]) -> Tensor:
    """Deviations from the mean, in standard deviations; both of the `counted` entries only.

    Args:
        scores: of any shape. counted: booleans that broadcast to it.
        dims: what is averaged over.
    """
    weight = counted.expand_as(scores).to(scores.dtype)
    number = weight.sum(dims, keepdim=True).clamp_min(1)
    centred = scores - (scores * weight).sum(dims, keepdim=True) / number
    spread = ((centred.square() * weight).sum(dims, keepdim=True) / number).sqrt()
    return centred / spread.clamp_min(1e-6)
