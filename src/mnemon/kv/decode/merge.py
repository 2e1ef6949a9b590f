"""Attention over several segments is one attention: parts merge by their log-sum-exp, exactly."""

from __future__ import annotations

import torch
from torch import Tensor

from mnemon.kv.decode.chunks import Parts


def merge(out: Tensor, lse: Tensor, parts: Parts, context: Tensor) -> None:
    """Merges the parts of each row into `context` [B, Hq, D].

    `out` float32 [slots, GQ, D] and `lse` float32 [slots, GQ] are what attention left there.
    """
    if context.is_cuda:
        from mnemon.kv.decode.kernels.launch import merge_kernel

        merge_kernel(out, lse, parts, context)
    else:
        merge_reference(out, lse, parts, context)


def merge_reference(out: Tensor, lse: Tensor, parts: Parts, context: Tensor) -> None:
    """The same in plain torch."""
    result = context.view(parts.rows, -1, context.shape[-1])
    bounds = parts.of_row.tolist()
    for row in range(parts.rows):
        tail = list(range(row * parts.shares, (row + 1) * parts.shares))
        base = parts.rows * parts.shares
        slots = tail + list(range(base + bounds[row], base + bounds[row + 1]))
        result[row] = merge_parts(out[slots], lse[slots])[0].to(context.dtype)


def merge_parts(out: Tensor, lse: Tensor) -> tuple[Tensor, Tensor]:
    """Merges parts along the first axis: `out` [S, ..., D], `lse` [S, ...], natural logarithm.

    A part that attended to nothing has a lse of minus infinity and counts for nothing.
    """
    total = torch.logsumexp(lse, 0)
    share = torch.exp(lse - total)[..., None]
    return (out * share).sum(0), total
