"""What stands before the first layer and after the last: where a step begins and what it chose."""

from __future__ import annotations

import triton
import triton.language as tl

from mnemon.kv.decode.kernels.dependent import start_next, wait_for_previous


@triton.jit
def begin(
    embedding, token, position, frequencies, hidden, cos, sin, scaling,
    K: tl.constexpr, BK: tl.constexpr, HALF: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    """The token's embedding, and the angles of its position."""
    batch = tl.program_id(0)
    block = tl.program_id(1)
    wait_for_previous(PDL)
    start_next(PDL)
    column = block * BK + tl.arange(0, BK)
    row = embedding + tl.load(token + batch) * K
    value = tl.load(row + column, mask=column < K)
    tl.store(hidden + batch * K + column, value, mask=column < K)
    if block == 0:
        pair = tl.arange(0, HALF)
        angle = tl.load(position + batch).to(tl.float32) * tl.load(frequencies + pair)
        tl.store(cos + batch * HALF + pair, tl.cos(angle) * scaling)
        tl.store(sin + batch * HALF + pair, tl.sin(angle) * scaling)


@triton.jit
def best_of_blocks(
    logits, best, best_at, N, blocks, BLOCK: tl.constexpr, PDL: tl.constexpr
):  # fmt: skip
    """The greatest logit of each block of them, and its token."""
    batch = tl.program_id(0)
    block = tl.program_id(1)
    column = block * BLOCK + tl.arange(0, BLOCK)
    wait_for_previous(PDL)
    start_next(PDL)
    at = logits + batch.to(tl.int64) * N + column
    value = tl.load(at, mask=column < N, other=float("-inf"))
    greatest, index = tl.max(value, 0, return_indices=True)
    tl.store(best + batch * blocks + block, greatest)
    tl.store(best_at + batch * blocks + block, block * BLOCK + index)


@triton.jit
def end(
    best, best_at, token, made, length, position, blocks, ROOM: tl.constexpr, BLOCK: tl.constexpr,
    BATCH: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    """The likeliest token, and one step on. One program, since all share the length."""
    wait_for_previous(PDL)
    start_next(PDL)
    block = tl.arange(0, BLOCK)
    now = tl.load(length)
    for batch in range(BATCH):
        value = tl.load(best + batch * blocks + block, mask=block < blocks, other=float("-inf"))
        _, index = tl.max(value, 0, return_indices=True)
        chosen = tl.load(best_at + batch * blocks + index).to(tl.int64)
        tl.store(token + batch, chosen)
        tl.store(made + batch * ROOM + now, chosen)
        tl.store(position + batch, tl.load(position + batch) + 1)
    tl.store(length, now + 1)
