"""Split attention over packed rows of low-bit keys and values, and over the plain tail.

One warp a program: codes are unpacked in the registers that the tensor cores read, so nothing
dequantised passes through shared memory. Tokens stand in the rows of the products and query heads
in their columns, of which eight are the fewest. A head's 128 channels are four quarters of 32;
which bytes and which bits of them hold a quarter depends on the number of bits.
"""

from __future__ import annotations

import triton
import triton.language as tl

from mnemon.kv.decode.kernels.attend import attend_tail, load_queries, soften, store_part
from mnemon.kv.decode.kernels.dependent import start_next, wait_for_previous
from mnemon.kv.decode.kernels.unpack import (
    four_numbers,
    four_planes,
    one_plane,
    two_numbers,
    two_planes,
)


@triton.jit
def _load_bytes(codes, token, live, first, BITS: tl.constexpr, ACROSS: tl.constexpr):
    column = first + tl.arange(0, 32)
    if ACROSS:
        at = token[None, :] * (16 * BITS) + column[:, None]
        some = tl.load(codes + at, mask=live[None, :], other=0)
    else:
        at = token[:, None] * (16 * BITS) + column[None, :]
        some = tl.load(codes + at, mask=live[:, None], other=0)
    return some


@triton.jit
def _dequantized(
    codes, token, live, s0, s1, s2, s3, z0, z1, z2, z3,
    BITS: tl.constexpr, ACROSS: tl.constexpr, KIND: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """The four quarters of a tile, [tokens, 32] or, `ACROSS`, [32, tokens]."""
    first = _load_bytes(codes, token, live, 0, BITS, ACROSS)
    if BITS == 2:
        a, b, c, d = four_planes(first, s0, s1, s2, s3, z0, z1, z2, z3, KIND, ASM)
    elif BITS == 4:
        second = _load_bytes(codes, token, live, 32, BITS, ACROSS)
        a, c = two_planes(first, s0, s2, z0, z2, KIND, ASM)
        b, d = two_planes(second, s1, s3, z1, z3, KIND, ASM)
    else:
        a = one_plane(first, s0, z0, KIND)
        b = one_plane(_load_bytes(codes, token, live, 32, BITS, ACROSS), s1, z1, KIND)
        c = one_plane(_load_bytes(codes, token, live, 64, BITS, ACROSS), s2, z2, KIND)
        d = one_plane(_load_bytes(codes, token, live, 96, BITS, ACROSS), s3, z3, KIND)
    return a, b, c, d


@triton.jit
def _of_groups(numbers, group, live, first, NG: tl.constexpr, G: tl.constexpr):
    """A quarter of the keys' scales (or zeros) of NG groups, for each of their tokens."""
    channel = first + tl.arange(0, 32)
    some = tl.load(numbers + group[:, None] * 128 + channel[None, :], mask=live[:, None], other=0.0)
    return tl.reshape(tl.broadcast_to(some[:, None, :], [NG, G, 32]), [NG * G, 32])


@triton.jit
def _of_tokens(words, token, live, G: tl.constexpr, BN: tl.constexpr, ASM: tl.constexpr):
    """The values' scales (or zeros) of each token, for each of the four quarters."""
    some = tl.load(words + token, mask=live, other=0)
    if G == 32:
        a, b, c, d = four_numbers(some, ASM)
    else:
        a, c = two_numbers(some, ASM)
        b = a
        d = c
    return (
        tl.broadcast_to(a[None, :], [32, BN]),
        tl.broadcast_to(b[None, :], [32, BN]),
        tl.broadcast_to(c[None, :], [32, BN]),
        tl.broadcast_to(d[None, :], [32, BN]),
    )


@triton.jit
def _keys(
    codes, scale, zero, start, end, BITS: tl.constexpr, G: tl.constexpr, NG: tl.constexpr,
    KIND: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    token = start + tl.arange(0, NG * G)
    group = (start // G + tl.arange(0, NG)).to(tl.int64)
    there = start + tl.arange(0, NG) * G < end
    return _dequantized(
        codes, token.to(tl.int64), token < end,
        _of_groups(scale, group, there, 0, NG, G), _of_groups(scale, group, there, 32, NG, G),
        _of_groups(scale, group, there, 64, NG, G), _of_groups(scale, group, there, 96, NG, G),
        _of_groups(zero, group, there, 0, NG, G), _of_groups(zero, group, there, 32, NG, G),
        _of_groups(zero, group, there, 64, NG, G), _of_groups(zero, group, there, 96, NG, G),
        BITS, False, KIND, ASM,
    )  # fmt: skip


@triton.jit
def _values(
    codes, scale, zero, start, end, BITS: tl.constexpr, G: tl.constexpr, BN: tl.constexpr,
    KIND: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    token = start + tl.arange(0, BN)
    wide = token.to(tl.int64)
    s0, s1, s2, s3 = _of_tokens(scale, wide, token < end, G, BN, ASM)
    z0, z1, z2, z3 = _of_tokens(zero, wide, token < end, G, BN, ASM)
    return _dequantized(
        codes, wide, token < end, s0, s1, s2, s3, z0, z1, z2, z3, BITS, True, KIND, ASM
    )  # fmt: skip


@triton.jit
def _attend_codes(
    queries, key_codes, key_scale, key_zero, value_codes, value_scale, value_zero, out, lse,
    row, slot, begin, end, factor,
    GQ: tl.constexpr, R: tl.constexpr, BITS: tl.constexpr, G: tl.constexpr, NG: tl.constexpr,
    STAGES: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    tokens: tl.constexpr = NG * G
    kind: tl.constexpr = queries.dtype.element_ty
    qa = load_queries(queries, row, 0, GQ, 128, 32, R)
    qb = load_queries(queries, row, 32, GQ, 128, 32, R)
    qc = load_queries(queries, row, 64, GQ, 128, 32, R)
    qd = load_queries(queries, row, 96, GQ, 128, 32, R)
    best = tl.full([R], float("-inf"), tl.float32)
    total = tl.zeros([R], tl.float32)
    ra = tl.zeros([32, R], tl.float32)
    rb = tl.zeros([32, R], tl.float32)
    rc = tl.zeros([32, R], tl.float32)
    rd = tl.zeros([32, R], tl.float32)
    for start in tl.range(begin, end, tokens, num_stages=STAGES):
        a, b, c, d = _keys(key_codes, key_scale, key_zero, start, end, BITS, G, NG, kind, ASM)
        scores = tl.dot(a, qa, input_precision="ieee")
        scores = tl.dot(b, qb, scores, input_precision="ieee")
        scores = tl.dot(c, qc, scores, input_precision="ieee")
        scores = tl.dot(d, qd, scores, input_precision="ieee") * factor
        live = (start + tl.arange(0, tokens) < end)[:, None]
        scores = tl.where(live, scores, float("-inf"))
        weights, fade, best, total = soften(scores, best, total)
        p = weights.to(kind)
        a, b, c, d = _values(
            value_codes, value_scale, value_zero, start, end, BITS, G, tokens, kind, ASM
        )  # fmt: skip
        ra = tl.dot(a, p, ra * fade[None, :], input_precision="ieee")
        rb = tl.dot(b, p, rb * fade[None, :], input_precision="ieee")
        rc = tl.dot(c, p, rc * fade[None, :], input_precision="ieee")
        rd = tl.dot(d, p, rd * fade[None, :], input_precision="ieee")
    store_part(out, lse, slot, 0, best, total, ra, GQ, 128, 32, R)
    store_part(out, lse, slot, 32, best, total, rb, GQ, 128, 32, R)
    store_part(out, lse, slot, 64, best, total, rc, GQ, 128, 32, R)
    store_part(out, lse, slot, 96, best, total, rd, GQ, 128, 32, R)


@triton.jit
def lowbit(
    queries, key_codes, key_scale, key_zero, value_codes, value_scale, value_zero,
    tail_keys, tail_values, length, chunk_row, chunk_first, chunk_last, out, lse, factor, rows,
    GQ: tl.constexpr, R: tl.constexpr, BITS: tl.constexpr, G: tl.constexpr, NG: tl.constexpr,
    TAIL: tl.constexpr, SHARE: tl.constexpr, STAGES: tl.constexpr, ASM: tl.constexpr,
    PDL: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    shares: tl.constexpr = (TAIL + SHARE - 1) // SHARE
    tails = rows * shares
    wait_for_previous(PDL)
    start_next(PDL)
    if program < tails:
        attend_tail(
            queries, tail_keys, tail_values, length, out, lse, program, factor,
            GQ, 128, R, TAIL, SHARE, 16,
        )  # fmt: skip
    else:
        chunk = program - tails
        _attend_codes(
            queries, key_codes, key_scale, key_zero, value_codes, value_scale, value_zero,
            out, lse, tl.load(chunk_row + chunk), program,
            tl.load(chunk_first + chunk), tl.load(chunk_last + chunk), factor,
            GQ, R, BITS, G, NG, STAGES, ASM,
        )  # fmt: skip
