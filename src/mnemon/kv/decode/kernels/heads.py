"""Queries and keys normalised head by head, rotated, and put where they belong."""

from __future__ import annotations

import triton
import triton.language as tl

from mnemon.kv.decode.kernels.dependent import start_next, wait_for_previous


@triton.jit
def heads(
    projected, query_norm, key_norm, cos, sin, queries, tail_keys, tail_values, length, eps,
    HQ: tl.constexpr, HKV: tl.constexpr, D: tl.constexpr, TAIL: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    half: tl.constexpr = D // 2
    batch = tl.program_id(0)
    head = tl.program_id(1)
    channel = tl.arange(0, half)
    wait_for_previous(PDL)
    start_next(PDL)
    at = projected + (batch * (HQ + 2 * HKV) + head) * D + channel
    left = tl.load(at).to(tl.float32)
    right = tl.load(at + half).to(tl.float32)
    if head < HQ + HKV:
        size = tl.rsqrt((tl.sum(left * left, 0) + tl.sum(right * right, 0)) / D + eps)
        norm = query_norm
        if head >= HQ:
            norm = key_norm
        left *= size * tl.load(norm + channel).to(tl.float32)
        right *= size * tl.load(norm + channel + half).to(tl.float32)
        c = tl.load(cos + batch * half + channel)
        s = tl.load(sin + batch * half + channel)
        left, right = left * c - right * s, right * c + left * s
    slot = tl.load(length)
    row = batch * HKV + (head - HQ) % HKV
    if head < HQ:
        to = queries + (batch * HQ + head) * D
    elif head < HQ + HKV:
        to = tail_keys + (row * TAIL + slot).to(tl.int64) * D
    else:
        to = tail_values + (row * TAIL + slot).to(tl.int64) * D
    kind = queries.dtype.element_ty
    tl.store(to + channel, left.to(kind))
    tl.store(to + channel + half, right.to(kind))
