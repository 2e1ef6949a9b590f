"""Rounds of a dialogue: a round begins with each pass of several tokens, or at a separator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def numbered(tokens: Tensor, separator: int, before: Tensor | None) -> Tensor:
    """The round of each new token, `[B, count]` int32.

    Args:
        tokens: ids `[B, count]`, or embeddings `[B, count, d]`, in which no separator is seen.
        separator: the id that begins a round; -1: none does.
        before: rounds of the tokens before, `[B, n]`, or None at the start.
    """
    starts = torch.zeros(tokens.shape[:2], dtype=torch.int32, device=tokens.device)
    if tokens.dim() == 2:
        starts += tokens == separator
    if tokens.shape[1] > 1:
        starts[:, 0] = 1
    last = 0 if before is None else before[:, -1:]
    return (last + starts.cumsum(1)).to(torch.int32)
