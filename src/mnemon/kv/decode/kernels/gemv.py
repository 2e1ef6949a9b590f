"""Matrix times vector, bound by the bytes of the matrix: one program makes a few outputs."""

from __future__ import annotations

import triton
import triton.language as tl

from mnemon.kv.decode.kernels.dependent import start_next, wait_for_previous


@triton.jit
def _weights(weight, rows, columns, live, K: tl.constexpr, TILED: tl.constexpr):
    at = weight + rows[:, None].to(tl.int64) * K + columns[None, :]
    if TILED:
        return tl.load(at, mask=live[:, None], other=0.0, eviction_policy="evict_first")
    inside = live[:, None] & (columns[None, :] < K)
    return tl.load(at, mask=inside, other=0.0, eviction_policy="evict_first")


@triton.jit
def row_products(
    x, norm, weight, rows, live, eps,
    K: tl.constexpr, BK: tl.constexpr, NORM: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    """`weight[rows] @ rms_norm(x)`, float32 [len(rows)].

    The scale of RMSNorm is one number, so it is applied to the sums. Weights do not depend on the
    kernel before: their first tile is on its way while that one still runs.
    """
    columns = tl.arange(0, BK)
    tiled: tl.constexpr = K % BK == 0
    tile = _weights(weight, rows, columns, live, K, tiled)
    wait_for_previous(PDL)
    start_next(PDL)
    sums = tl.zeros([rows.shape[0], BK], tl.float32)
    squares = tl.zeros([BK], tl.float32)
    for start in tl.static_range(0, K, BK):
        here = tile
        if start + BK < K:
            tile = _weights(weight, rows, columns + start + BK, live, K, tiled)
        inside = columns + start < K
        value = tl.load(x + columns + start, mask=inside, other=0.0).to(tl.float32)
        if NORM:
            squares += value * value
            value *= tl.load(norm + columns + start, mask=inside, other=0.0).to(tl.float32)
        sums += here.to(tl.float32) * value[None, :]
    result = tl.sum(sums, 1)
    if NORM:
        result *= tl.rsqrt(tl.sum(squares, 0) / K + eps)
    return result


@triton.jit
def halves(both, SIZE: tl.constexpr):
    """The first and the second half of a vector."""
    pair = tl.reshape(both, [2, SIZE])
    first = tl.arange(0, 2)[:, None] == 0
    return tl.sum(tl.where(first, pair, 0.0), 0), tl.sum(tl.where(first, 0.0, pair), 0)


@triton.jit
def linear(
    x, norm, weight, bias, residual, out, eps, N,
    K: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    NORM: tl.constexpr, BIAS: tl.constexpr, RESIDUAL: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    batch = tl.program_id(0)
    rows = tl.program_id(1) * BN + tl.arange(0, BN)
    live = rows < N
    result = row_products(x + batch * K, norm, weight, rows, live, eps, K, BK, NORM, PDL)
    if BIAS:
        result += tl.load(bias + rows, mask=live, other=0.0).to(tl.float32)
    at = batch.to(tl.int64) * N + rows
    if RESIDUAL:
        result = result.to(residual.dtype.element_ty).to(tl.float32)
        result += tl.load(residual + at, mask=live, other=0.0).to(tl.float32)
    tl.store(out + at, result.to(out.dtype.element_ty), mask=live)


@triton.jit
def gated(
    x, norm, weight, out, eps, N,
    K: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    half: tl.constexpr = BN // 2
    batch = tl.program_id(0)
    lane = tl.arange(0, BN)
    first = tl.program_id(1) * half
    live = first + lane % half < N
    rows = first + lane % half + (lane // half) * N
    both = row_products(x + batch * K, norm, weight, rows, live, eps, K, BK, True, PDL)
    gate, up = halves(both, half)
    channel = first + tl.arange(0, half)
    result = gate * tl.sigmoid(gate) * up
    at = out + batch.to(tl.int64) * N + channel
    tl.store(at, result.to(out.dtype.element_ty), mask=channel < N)


@triton.jit
def qkv(
    x, norm, weight, bias, cos, sin, queries, tail_keys, tail_values, length, eps,
    K: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, HQ: tl.constexpr, HKV: tl.constexpr,
    D: tl.constexpr, TAIL: tl.constexpr, BIAS: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    """A program makes pairs (d, d + D/2) of one head, so that it can rotate them itself."""
    half: tl.constexpr = BN // 2
    blocks: tl.constexpr = D // BN
    batch = tl.program_id(0)
    head = tl.program_id(1) // blocks
    lane = tl.arange(0, BN)
    first = (tl.program_id(1) % blocks) * half
    rows = head * D + first + lane % half + (lane // half) * (D // 2)
    both = row_products(x + batch * K, norm, weight, rows, rows >= 0, eps, K, BK, True, PDL)
    if BIAS:
        both += tl.load(bias + rows).to(tl.float32)
    left, right = halves(both, half)
    channel = first + tl.arange(0, half)
    if head < HQ + HKV:
        c = tl.load(cos + batch * (D // 2) + channel)
        s = tl.load(sin + batch * (D // 2) + channel)
        left, right = left * c - right * s, right * c + left * s
    kind = queries.dtype.element_ty
    if head < HQ:
        at = queries + (batch * HQ + head) * D
    else:
        slot = tl.load(length)
        row = batch * HKV + (head - HQ) % HKV
        if head < HQ + HKV:
            at = tail_keys + (row * TAIL + slot).to(tl.int64) * D
        else:
            at = tail_values + (row * TAIL + slot).to(tl.int64) * D
    tl.store(at + channel, left.to(kind))
    tl.store(at + channel + D // 2, right.to(kind))
