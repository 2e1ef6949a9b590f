"""Codes of few bits in one pass over the numbers, the same as `codes` makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.codes import Coded
    from mnemon.kv.encoding import Picked

_TILE = 4096  # numbers that a program holds
# Adding and taking it away rounds to the nearest whole number, halves to the even one.
_ROUNDING = tl.constexpr(12582912.0)


def by_channel(picked: Picked, bits: int, size: int) -> Coded:
    """See `encoding.by_channel`."""
    heads, at = _laid_out(picked)
    count, channels = len(at), heads.shape[-1]
    coded = heads.new_empty(count, channels * bits // 8, dtype=torch.uint8)
    scales, zeros = heads.new_empty(2, count // size, channels)
    if count:
        _by_channel[(count // size,)](
            heads, at, coded, scales, zeros, heads.stride(0), heads.shape[1],
            channels, size, bits, num_warps=4,
        )  # fmt: skip
    return coded, scales, zeros


def by_token(picked: Picked, bits: int, size: int) -> Coded:
    """See `encoding.by_token`."""
    heads, at = _laid_out(picked)
    count, channels = len(at), heads.shape[-1]
    size = min(size, channels)
    coded = heads.new_empty(count, channels * bits // 8, dtype=torch.uint8)
    scales, zeros = heads.new_empty(2, count, channels // size)
    together = max(1, _TILE // channels)
    if count:
        _by_token[(triton.cdiv(count, together),)](
            heads, at, coded, scales, zeros, heads.stride(0), heads.shape[1], count,
            channels, size, bits, together, num_warps=4,
        )  # fmt: skip
    return coded, scales, zeros


def read_by_channel(coded: Coded, bits: int, size: int) -> Tensor:
    """See `encoding.read_by_channel`."""
    packed, scale, zero = (one.contiguous() for one in coded)
    rows = scale.new_empty(len(packed), scale.shape[-1])
    if len(rows):
        _read_by_channel[(len(scale),)](
            packed, scale, zero, rows, scale.shape[-1], size, bits, num_warps=4
        )
    return rows


def read_by_token(coded: Coded, bits: int) -> Tensor:
    """See `encoding.read_by_token`."""
    packed, scale, zero = (one.contiguous() for one in coded)
    channels = packed.shape[-1] * 8 // bits
    rows = scale.new_empty(len(packed), channels)
    together = max(1, _TILE // channels)
    if len(rows):
        _read_by_token[(triton.cdiv(len(rows), together),)](
            packed, scale, zero, rows, len(rows),
            channels, channels // scale.shape[-1], bits, together, num_warps=4,
        )  # fmt: skip
    return rows


def _laid_out(picked: Picked) -> tuple[Tensor, Tensor]:
    heads = picked.heads
    if heads.stride(2) != 1 or heads.stride(1) != heads.shape[2]:
        heads = heads.contiguous()
    at = picked.at
    return heads, torch.arange(len(picked), device=heads.device) if at is None else at


@triton.jit
def _rows_at(at, along, per, SIZE: tl.constexpr):
    """Where rows begin, of heads that lie `along` numbers apart and have `per` rows each."""
    return (at // per) * along + (at % per) * SIZE


@triton.jit
def _spread(least, greatest, BITS: tl.constexpr, kind: tl.constexpr):
    """(the scale, and what to divide by), each rounded as numbers of the stored type are."""
    apart = (greatest - least).to(kind).to(tl.float32)
    scale = tl.maximum(apart / ((1 << BITS) - 1), 1e-8).to(kind)
    step = scale.to(tl.float32)
    return scale, tl.where(step == 0.0, 1.0, step)


@triton.jit
def _code(above, step, BITS: tl.constexpr):
    picked = tl.div_rn(above, step)
    picked = (picked + _ROUNDING) - _ROUNDING
    return tl.minimum(tl.maximum(picked, 0.0), (1 << BITS) - 1.0).to(tl.int32)


@triton.jit
def _store_packed(
    codes, to, token, inside, ROWS: tl.constexpr, SIZE: tl.constexpr, BITS: tl.constexpr
):
    PLANES: tl.constexpr = 8 // BITS
    WIDTH: tl.constexpr = SIZE // PLANES
    planes = tl.reshape(codes, (ROWS, PLANES, WIDTH))
    shifted = planes << (tl.arange(0, PLANES) * BITS)[None, :, None]
    place = token[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    tl.store(to + place, tl.sum(shifted, 1).to(tl.uint8), mask=inside[:, None])


@triton.jit
def _load_packed(packed, token, inside, ROWS: tl.constexpr, SIZE: tl.constexpr, BITS: tl.constexpr):
    PLANES: tl.constexpr = 8 // BITS
    WIDTH: tl.constexpr = SIZE // PLANES
    place = token[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    held = tl.load(packed + place, mask=inside[:, None], other=0).to(tl.int32)
    planes = held[:, None, :] >> (tl.arange(0, PLANES) * BITS)[None, :, None]
    return tl.reshape(planes & ((1 << BITS) - 1), (ROWS, SIZE)).to(tl.float32)


@triton.jit
def _by_channel(
    heads, at, coded, scales, zeros, along, per,
    SIZE: tl.constexpr, GROUP: tl.constexpr, BITS: tl.constexpr,
):  # fmt: skip
    group = tl.program_id(0).to(tl.int64)
    token = group * GROUP + tl.arange(0, GROUP)
    channel = tl.arange(0, SIZE)
    row = _rows_at(tl.load(at + token), along, per, SIZE)
    values = tl.load(heads + row[:, None] + channel[None, :]).to(tl.float32)
    least, greatest = tl.min(values, 0), tl.max(values, 0)
    scale, step = _spread(least, greatest, BITS, scales.dtype.element_ty)
    tl.store(scales + group * SIZE + channel, scale)
    tl.store(zeros + group * SIZE + channel, least.to(zeros.dtype.element_ty))
    codes = _code(values - least[None, :], step[None, :], BITS)
    _store_packed(codes, coded, token, token >= 0, GROUP, SIZE, BITS)


@triton.jit
def _by_token(
    heads, at, coded, scales, zeros, along, per, count,
    SIZE: tl.constexpr, GROUP: tl.constexpr, BITS: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    EACH: tl.constexpr = SIZE // GROUP
    token = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    inside = token < count
    row = _rows_at(tl.load(at + token, mask=inside, other=0), along, per, SIZE)
    channel = tl.arange(0, SIZE)
    values = tl.load(heads + row[:, None] + channel[None, :]).to(tl.float32)
    groups = tl.reshape(values, (ROWS, EACH, GROUP))
    least, greatest = tl.min(groups, 2), tl.max(groups, 2)
    scale, step = _spread(least, greatest, BITS, scales.dtype.element_ty)
    place = token[:, None] * EACH + tl.arange(0, EACH)[None, :]
    tl.store(scales + place, scale, mask=inside[:, None])
    tl.store(zeros + place, least.to(zeros.dtype.element_ty), mask=inside[:, None])
    codes = _code(groups - least[:, :, None], step[:, :, None], BITS)
    _store_packed(tl.reshape(codes, (ROWS, SIZE)), coded, token, inside, ROWS, SIZE, BITS)


@triton.jit
def _read_by_channel(
    packed, scales, zeros, rows, SIZE: tl.constexpr, GROUP: tl.constexpr, BITS: tl.constexpr
):
    group = tl.program_id(0).to(tl.int64)
    token = group * GROUP + tl.arange(0, GROUP)
    channel = tl.arange(0, SIZE)
    codes = _load_packed(packed, token, token >= 0, GROUP, SIZE, BITS)
    scale = tl.load(scales + group * SIZE + channel).to(tl.float32)
    zero = tl.load(zeros + group * SIZE + channel).to(tl.float32)
    values = codes * scale[None, :] + zero[None, :]
    place = token[:, None] * SIZE + channel[None, :]
    tl.store(rows + place, values.to(rows.dtype.element_ty))


@triton.jit
def _read_by_token(
    packed, scales, zeros, rows, count,
    SIZE: tl.constexpr, GROUP: tl.constexpr, BITS: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    EACH: tl.constexpr = SIZE // GROUP
    token = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    inside = token < count
    codes = tl.reshape(_load_packed(packed, token, inside, ROWS, SIZE, BITS), (ROWS, EACH, GROUP))
    place = token[:, None] * EACH + tl.arange(0, EACH)[None, :]
    scale = tl.load(scales + place, mask=inside[:, None], other=0.0).to(tl.float32)
    zero = tl.load(zeros + place, mask=inside[:, None], other=0.0).to(tl.float32)
    values = tl.reshape(codes * scale[:, :, None] + zero[:, :, None], (ROWS, SIZE))
    to = token[:, None] * SIZE + tl.arange(0, SIZE)[None, :]
    tl.store(rows + to, values.to(rows.dtype.element_ty), mask=inside[:, None])
