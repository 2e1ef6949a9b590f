"""Partial outputs of one head become its output, weighed by their log-sum-exp."""

from __future__ import annotations

import triton
import triton.language as tl

from mnemon.kv.decode.kernels.dependent import start_next, wait_for_previous


@triton.jit
def merge(
    out, lse, row_chunks, context, rows,
    GQ: tl.constexpr, D: tl.constexpr, W: tl.constexpr, SHARES: tl.constexpr, BS: tl.constexpr,
    PDL: tl.constexpr,
):  # fmt: skip
    """One program makes W channels of one query head; BS partial outputs are read at a time."""
    head = tl.program_id(0)
    channel = tl.program_id(1) * W + tl.arange(0, W)
    row = head // GQ
    first = tl.load(row_chunks + row)
    count = SHARES + tl.load(row_chunks + row + 1) - first
    wait_for_previous(PDL)
    start_next(PDL)
    best = float("-inf")
    total = 0.0
    result = tl.zeros([W], tl.float32)
    for start in range(0, count, BS):
        part = start + tl.arange(0, BS)
        slot = tl.where(part < SHARES, row * SHARES + part, rows * SHARES + first + part - SHARES)
        at = (slot * GQ + head % GQ).to(tl.int64)
        size = tl.load(lse + at, mask=part < count, other=float("-inf"))
        now = tl.maximum(best, tl.max(size, 0))
        share = tl.exp(size - now)
        fade = tl.exp(best - now)
        piece = tl.load(out + at[:, None] * D + channel[None, :], mask=(part < count)[:, None],
                        other=0.0)  # fmt: skip
        result = result * fade + tl.sum(piece * share[:, None], 0)
        total = total * fade + tl.sum(share, 0)
        best = now
    tl.store(context + head * D + channel, (result / total).to(context.dtype.element_ty))
