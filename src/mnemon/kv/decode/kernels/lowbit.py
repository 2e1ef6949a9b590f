"""Split attention over packed rows of low-bit keys and values, and over the plain tail.

One warp a program: codes are unpacked in the registers that the tensor cores read, so nothing
dequantised passes through shared memory. Tokens stand in the rows of the products and query heads
in their columns, of which eight are the fewest. A head's 128 channels are four quarters of 32;
which bytes and which bits of them hold a quarter depends on the number of bits. Values are read as
words of two bytes, so each of their quarters comes in two halves, even and odd channels.
"""

from __future__ import annotations

import triton
import triton.language as tl

from mnemon.kv.decode.kernels.attend import attend_tail, load_queries, soften, store_part
from mnemon.kv.decode.kernels.dependent import prefetch, start_next, wait_for_previous
from mnemon.kv.decode.kernels.unpack import GAIN, from_bytes, from_words, times, two_numbers


@triton.jit
def _of_groups(
    numbers, group, live, first, POWER: tl.constexpr, NG: tl.constexpr, G: tl.constexpr,
    ASM: tl.constexpr,
):  # fmt: skip
    """A quarter of the keys' scales (or zeros) of NG groups, for each of their tokens."""
    at = group[:, None] * 128 + first + tl.arange(0, 32)[None, :]
    some = times(tl.load(numbers + at, mask=live[:, None], other=0.0), POWER, ASM)
    return tl.reshape(tl.broadcast_to(some[:, None, :], [NG, G, 32]), [NG * G, 32])


@triton.jit
def _two_quarters(
    codes, scale, zero, q0, q1, scores, start, end, column, first,
    SHIFT: tl.constexpr, BITS: tl.constexpr, G: tl.constexpr, NG: tl.constexpr, KIND: tl.constexpr,
    ASM: tl.constexpr,
):  # fmt: skip
    """Adds what two quarters of the keys give to the scores: 32 bytes a token from `column` on.

    The quarters begin at channel `first` and, one plane on, at `first` + 16 * BITS.
    """
    token = start + tl.arange(0, NG * G)
    group = start // G + tl.arange(0, NG)
    there = start + tl.arange(0, NG) * G < end
    at = token[:, None] * (16 * BITS) + column + tl.arange(0, 32)[None, :]
    some = tl.load(codes + at, mask=(token < end)[:, None], other=0)
    second = first + 16 * BITS
    s0 = _of_groups(scale, group, there, first, 117 - SHIFT, NG, G, ASM)
    s1 = _of_groups(scale, group, there, second, 117 - SHIFT - BITS, NG, G, ASM)
    z0 = _of_groups(zero, group, there, first, -16, NG, G, ASM)
    z1 = _of_groups(zero, group, there, second, -16, NG, G, ASM)
    k0, k1 = from_bytes(some, s0, s1, z0, z1, SHIFT, BITS, KIND, ASM)
    scores = tl.dot(k0, q0, scores, input_precision="ieee")
    return tl.dot(k1, q1, scores, input_precision="ieee")


@triton.jit
def _one_quarter(
    codes, scale, zero, q, scores, start, end, first, G: tl.constexpr, NG: tl.constexpr,
    KIND: tl.constexpr,
):  # fmt: skip
    """The same for eight bits, whose bytes are codes."""
    token = start + tl.arange(0, NG * G)
    group = start // G + tl.arange(0, NG)
    there = start + tl.arange(0, NG) * G < end
    at = token[:, None] * 128 + first + tl.arange(0, 32)[None, :]
    some = tl.load(codes + at, mask=(token < end)[:, None], other=0).to(tl.float32)
    s = _of_groups(scale, group, there, first, 0, NG, G, False).to(tl.float32)
    z = _of_groups(zero, group, there, first, 0, NG, G, False).to(tl.float32)
    return tl.dot((some * s + z).to(KIND), q, scores, input_precision="ieee")


@triton.jit
def _scores(
    codes, scale, zero, qa, qb, qc, qd, start, end, R: tl.constexpr, BITS: tl.constexpr,
    G: tl.constexpr, NG: tl.constexpr, KIND: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    scores = tl.zeros([NG * G, R], tl.float32)
    if BITS == 2:
        scores = _two_quarters(codes, scale, zero, qa, qb, scores, start, end, 0, 0,
                               0, 2, G, NG, KIND, ASM)  # fmt: skip
        scores = _two_quarters(codes, scale, zero, qc, qd, scores, start, end, 0, 64,
                               4, 2, G, NG, KIND, ASM)  # fmt: skip
    elif BITS == 4:
        scores = _two_quarters(codes, scale, zero, qa, qc, scores, start, end, 0, 0,
                               0, 4, G, NG, KIND, ASM)  # fmt: skip
        scores = _two_quarters(codes, scale, zero, qb, qd, scores, start, end, 32, 32,
                               0, 4, G, NG, KIND, ASM)  # fmt: skip
    else:
        scores = _one_quarter(codes, scale, zero, qa, scores, start, end, 0, G, NG, KIND)
        scores = _one_quarter(codes, scale, zero, qb, scores, start, end, 32, G, NG, KIND)
        scores = _one_quarter(codes, scale, zero, qc, scores, start, end, 64, G, NG, KIND)
        scores = _one_quarter(codes, scale, zero, qd, scores, start, end, 96, G, NG, KIND)
    return scores


@triton.jit
def _of_tokens(
    words, token, live, half, P0: tl.constexpr, P1: tl.constexpr, G: tl.constexpr, BN: tl.constexpr,
    ASM: tl.constexpr,
):  # fmt: skip
    """The values' scales (or zeros) of each token, for two quarters: the first or the last two."""
    if G == 32:
        first, second = two_numbers(tl.load(words + token * 2 + half, mask=live, other=0), ASM)
    else:
        low, high = two_numbers(tl.load(words + token, mask=live, other=0), ASM)
        first = high if half else low
        second = first
    return (
        tl.broadcast_to(times(first, P0, ASM)[None, :], [16, BN]),
        tl.broadcast_to(times(second, P1, ASM)[None, :], [16, BN]),
    )


@triton.jit
def _words(codes, token, live, first, BITS: tl.constexpr):
    at = token[None, :] * (8 * BITS) + first + tl.arange(0, 16)[:, None]
    return tl.load(codes + at, mask=live[None, :], other=0)


@triton.jit
def _values(
    codes, scale, zero, start, end, HALF: tl.constexpr, BITS: tl.constexpr, G: tl.constexpr,
    BN: tl.constexpr, KIND: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """Two quarters of the values, the first two or the last two: even, odd, even, odd [16, BN]."""
    token = start + tl.arange(0, BN)
    live = start + tl.arange(0, BN) < end
    shift: tl.constexpr = 4 * HALF if BITS < 8 else 0
    step: tl.constexpr = 2 if BITS == 2 else 0
    s0, s1 = _of_tokens(scale, token, live, HALF, 117 - shift, 117 - shift - step, G, BN, ASM)
    z0, z1 = _of_tokens(zero, token, live, HALF, -16, -16, G, BN, ASM)
    if BITS == 2:
        first = _words(codes, token, live, 0, 2)
        second = first
    else:
        skip: tl.constexpr = 32 * HALF if BITS == 8 else 0
        first = _words(codes, token, live, skip, BITS)
        second = _words(codes, token, live, skip + 16, BITS)
    plane: tl.constexpr = shift // BITS
    return from_words(first, second, s0, s1, z0, z1, plane, BITS, KIND, ASM)


@triton.jit
def _attend_codes(
    queries, key_codes, key_scale, key_zero, value_codes, value_scale, value_zero, out, lse,
    row, slot, begin, end, factor,
    GQ: tl.constexpr, R: tl.constexpr, BITS: tl.constexpr, VALUE_BITS: tl.constexpr,
    G: tl.constexpr, NG: tl.constexpr, STAGES: tl.constexpr, ASM: tl.constexpr,
    VALUE_ASM: tl.constexpr,
):  # fmt: skip
    tokens: tl.constexpr = NG * G
    kind: tl.constexpr = queries.dtype.element_ty
    qa = load_queries(queries, row, 0, GQ, 128, 32, R)
    qb = load_queries(queries, row, 32, GQ, 128, 32, R)
    qc = load_queries(queries, row, 64, GQ, 128, 32, R)
    qd = load_queries(queries, row, 96, GQ, 128, 32, R)
    best = tl.full([R], float("-inf"), tl.float32)
    total = tl.zeros([R], tl.float32)
    none = tl.zeros([16, R], tl.float32)
    parts = (none, none, none, none, none, none, none, none)
    for start in tl.range(begin, end, tokens, num_stages=STAGES):
        scores = factor * _scores(
            key_codes, key_scale, key_zero, qa, qb, qc, qd, start, end, R, BITS, G, NG, kind, ASM
        )  # fmt: skip
        live = (start + tl.arange(0, tokens) < end)[:, None]
        scores = tl.where(live, scores, float("-inf"))
        weights, fade, best, total = soften(scores, best, total)
        p = weights.to(kind)
        fade = fade[None, :]
        a, b, c, d = _values(value_codes, value_scale, value_zero, start, end, 0, VALUE_BITS, G,
                             tokens, kind, VALUE_ASM)  # fmt: skip
        e, f, g, h = _values(value_codes, value_scale, value_zero, start, end, 1, VALUE_BITS, G,
                             tokens, kind, VALUE_ASM)  # fmt: skip
        parts = (
            tl.dot(a, p, parts[0] * fade, input_precision="ieee"),
            tl.dot(b, p, parts[1] * fade, input_precision="ieee"),
            tl.dot(c, p, parts[2] * fade, input_precision="ieee"),
            tl.dot(d, p, parts[3] * fade, input_precision="ieee"),
            tl.dot(e, p, parts[4] * fade, input_precision="ieee"),
            tl.dot(f, p, parts[5] * fade, input_precision="ieee"),
            tl.dot(g, p, parts[6] * fade, input_precision="ieee"),
            tl.dot(h, p, parts[7] * fade, input_precision="ieee"),
        )
    gain: tl.constexpr = GAIN if VALUE_ASM else 1.0
    for part in tl.static_range(8):
        store_part(out, lse, slot, part // 2 * 32 + part % 2, 2, best, total, parts[part] * gain,
                   GQ, 128, 16, R)  # fmt: skip


@triton.jit
def _expect(
    key_codes, key_scale, key_zero, value_codes, value_scale, value_zero, begin, count,
    BITS: tl.constexpr, VALUE_BITS: tl.constexpr, G: tl.constexpr,
):  # fmt: skip
    """Asks for the first 64 of `count` tokens, which do not depend on the kernel before."""
    prefetch(key_codes + begin * (16 * BITS), count * (16 * BITS), 8 * BITS)
    prefetch(value_codes + begin * (8 * VALUE_BITS), count * (16 * VALUE_BITS), 8 * VALUE_BITS)
    prefetch(key_scale + begin // G * 128, count // G * 256, 4)
    prefetch(key_zero + begin // G * 128, count // G * 256, 4)
    prefetch(value_scale + begin * (64 // G), count * (256 // G), 4)
    prefetch(value_zero + begin * (64 // G), count * (256 // G), 4)


@triton.jit
def lowbit(
    queries, key_codes, key_scale, key_zero, value_codes, value_scale, value_zero,
    tail_keys, tail_values, length, chunk_row, chunk_first, chunk_last, chunk_slot, out, lse,
    factor, tails,
    GQ: tl.constexpr, R: tl.constexpr, BITS: tl.constexpr, VALUE_BITS: tl.constexpr,
    G: tl.constexpr, NG: tl.constexpr, TAIL: tl.constexpr, SHARE: tl.constexpr,
    STAGES: tl.constexpr, ASM: tl.constexpr, VALUE_ASM: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    stored = program >= tails
    row = tl.load(chunk_row + program - tails, mask=stored, other=0)
    begin = tl.load(chunk_first + program - tails, mask=stored, other=0)
    end = tl.load(chunk_last + program - tails, mask=stored, other=0)
    slot = tl.load(chunk_slot + program - tails, mask=stored, other=0)
    if PDL and stored:
        _expect(
            key_codes, key_scale, key_zero, value_codes, value_scale, value_zero, begin,
            end - begin, BITS, VALUE_BITS, G,
        )  # fmt: skip
    wait_for_previous(PDL)
    start_next(PDL)
    if program < tails:
        attend_tail(
            queries, tail_keys, tail_values, length, out, lse, program, factor,
            GQ, 128, R, TAIL, SHARE, 16,
        )  # fmt: skip
    else:
        gain: tl.constexpr = GAIN if ASM else 1.0
        _attend_codes(
            queries, key_codes, key_scale, key_zero, value_codes, value_scale, value_zero,
            out, lse, row, slot, begin, end, factor * gain,
            GQ, R, BITS, VALUE_BITS, G, NG, STAGES, ASM, VALUE_ASM,
        )  # fmt: skip
