"""Attention of a few query heads to plain keys and values, one tile of tokens after another."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def load_queries(queries, row, first, GQ: tl.constexpr, D: tl.constexpr, W: tl.constexpr,
                 R: tl.constexpr):  # fmt: skip
    """The query heads of one key-value head, [W, R]: channels from `first`, heads padded to R."""
    head = tl.arange(0, R)[None, :]
    channel = first + tl.arange(0, W)[:, None]
    return tl.load(queries + (row * GQ + head) * D + channel, mask=head < GQ, other=0.0)


@triton.jit
def soften(scores, best, total):
    """One step of the running softmax over [tokens, R] scores of base 2."""
    now = tl.maximum(best, tl.max(scores, 0))
    weights = tl.exp2(scores - now[None, :])
    fade = tl.exp2(best - now)
    return weights, fade, now, total * fade + tl.sum(weights, 0)


@triton.jit
def attend(
    q, keys, values, begin, end, scale,
    D: tl.constexpr, R: tl.constexpr, BN: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """Over tokens begin:end. Returns the running maximum [R], the sum [R], the output [D, R]."""
    channel = tl.arange(0, D)
    lane = tl.arange(0, BN)
    best = tl.full([R], float("-inf"), tl.float32)
    total = tl.zeros([R], tl.float32)
    result = tl.zeros([D, R], tl.float32)
    for start in tl.range(begin, end, BN, num_stages=STAGES):
        token = (start + lane).to(tl.int64)
        live = start + lane < end
        at = token[:, None] * D + channel[None, :]
        k = tl.load(keys + at, mask=live[:, None], other=0.0)
        scores = tl.dot(k, q, input_precision="ieee") * scale
        scores = tl.where(live[:, None], scores, float("-inf"))
        weights, fade, best, total = soften(scores, best, total)
        across = token[None, :] * D + channel[:, None]
        v = tl.load(values + across, mask=live[None, :], other=0.0)
        result = tl.dot(v, weights.to(v.dtype), result * fade[None, :], input_precision="ieee")
    return best, total, result


@triton.jit
def store_part(out, lse, slot, first, step, best, total, result, GQ: tl.constexpr,
               D: tl.constexpr, W: tl.constexpr, R: tl.constexpr):  # fmt: skip
    """Writes W channels, each `step` on, of one partial output; nothing attended to is a lse of
    minus infinity.
    """
    head = tl.arange(0, R)
    channel = first + step * tl.arange(0, W)[:, None]
    at = out + (slot * GQ + head[None, :]).to(tl.int64) * D + channel
    share = result / tl.where(total > 0.0, total, 1.0)[None, :]
    tl.store(at, share, mask=(head < GQ)[None, :])
    if first == 0:
        tl.store(lse + slot * GQ + head, (best + tl.log2(total)) * 0.6931471805599453,
                 mask=head < GQ)  # fmt: skip


@triton.jit
def attend_tail(
    queries, keys, values, length, out, lse, program, scale,
    GQ: tl.constexpr, D: tl.constexpr, R: tl.constexpr, TAIL: tl.constexpr, SHARE: tl.constexpr,
    BN: tl.constexpr,
):  # fmt: skip
    """One share of one row's tail; the token of this step already stands there, at `length`."""
    shares: tl.constexpr = (TAIL + SHARE - 1) // SHARE
    row = program // shares
    begin = (program % shares) * SHARE
    end = tl.minimum(tl.load(length) + 1, begin + SHARE)
    base = row.to(tl.int64) * TAIL * D
    q = load_queries(queries, row, 0, GQ, D, D, R)
    best, total, result = attend(
        q, keys + base, values + base, begin, end, scale, D, R, BN, 1
    )  # fmt: skip
    store_part(out, lse, program, 0, 1, best, total, result, GQ, D, D, R)
