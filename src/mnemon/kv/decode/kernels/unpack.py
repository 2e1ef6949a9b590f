"""Codes of two, four or eight bits become numbers: code * scale + zero.

In assembly this takes one mask and one multiply-add for two numbers. The bits of a code, left where
they stand in the low byte of a bfloat16, are a subnormal number: code * 2 ** (shift - 133). Scales
come multiplied by 2 ** (117 - shift) and zeros by 2 ** -16, so what comes out is the number times
2 ** -16 (`GAIN` undoes it). Powers of two change no digit. The plain form of each says the same
without the gain; the interpreter and types other than bfloat16 take it.
"""

from __future__ import annotations

import triton
import triton.language as tl

# What the numbers made in assembly are to be multiplied by.
GAIN = tl.constexpr(65536.0)

_SPREAD = """{{
    .reg .b32 lo, hi;
    prmt.b32 lo, $4, 0, 0x4140;
    prmt.b32 hi, $4, 0, 0x4342;
    and.b32 $0, lo, {first};
    and.b32 $1, hi, {first};
    and.b32 $2, lo, {second};
    and.b32 $3, hi, {second};
    fma.rn.bf16x2 $0, $0, $5, $9;
    fma.rn.bf16x2 $1, $1, $6, $10;
    fma.rn.bf16x2 $2, $2, $7, $11;
    fma.rn.bf16x2 $3, $3, $8, $12;
}}"""
_BYTES_2A = tl.constexpr(_SPREAD.format(first="0x00030003", second="0x000C000C"))
_BYTES_2B = tl.constexpr(_SPREAD.format(first="0x00300030", second="0x00C000C0"))
_BYTES_4 = tl.constexpr(_SPREAD.format(first="0x000F000F", second="0x00F000F0"))

_WORDS = """{{
    .reg .b32 high0, high1;
    shr.b32 high0, $4, 8;
    shr.b32 high1, $5, 8;
    and.b32 $0, $4, {first};
    and.b32 $1, high0, {first};
    and.b32 $2, $5, {second};
    and.b32 $3, high1, {second};
    fma.rn.bf16x2 $0, $0, $6, $8;
    fma.rn.bf16x2 $1, $1, $6, $8;
    fma.rn.bf16x2 $2, $2, $7, $9;
    fma.rn.bf16x2 $3, $3, $7, $9;
}}"""
_WORDS_2A = tl.constexpr(_WORDS.format(first="0x00030003", second="0x000C000C"))
_WORDS_2B = tl.constexpr(_WORDS.format(first="0x00300030", second="0x00C000C0"))
_WORDS_4A = tl.constexpr(_WORDS.format(first="0x000F000F", second="0x000F000F"))
_WORDS_4B = tl.constexpr(_WORDS.format(first="0x00F000F0", second="0x00F000F0"))


# By a multiply-add of minus zero, which older devices have too.
_TIMES = """{{
    .reg .b32 by, none;
    mov.b32 by, {by};
    mov.b32 none, 0x80008000;
    fma.rn.bf16x2 $0, $1, by, none;
}}"""
_TIMES_M16 = tl.constexpr(_TIMES.format(by="0x37803780"))
_TIMES_117 = tl.constexpr(_TIMES.format(by="0x7A007A00"))
_TIMES_115 = tl.constexpr(_TIMES.format(by="0x79007900"))
_TIMES_113 = tl.constexpr(_TIMES.format(by="0x78007800"))
_TIMES_111 = tl.constexpr(_TIMES.format(by="0x77007700"))


@triton.jit
def _number(codes, scale, zero, SHIFT: tl.constexpr, BITS: tl.constexpr, KIND: tl.constexpr):
    code = (codes >> SHIFT) & ((1 << BITS) - 1)
    return (code.to(tl.float32) * scale.to(tl.float32) + zero.to(tl.float32)).to(KIND)


@triton.jit
def from_bytes(
    codes, s0, s1, z0, z1, SHIFT: tl.constexpr, BITS: tl.constexpr, KIND: tl.constexpr,
    ASM: tl.constexpr,
):  # fmt: skip
    """Two neighbouring planes of uint8 codes: bits from SHIFT on and bits from SHIFT + BITS on."""
    if ASM:
        asm: tl.constexpr = _BYTES_4 if BITS == 4 else (_BYTES_2B if SHIFT else _BYTES_2A)
        pair = tl.inline_asm_elementwise(
            asm, "=&r,=&r,=&r,=&r,r,r,r,r,r,r,r,r,r", [codes, s0, s1, z0, z1],
            dtype=(tl.bfloat16, tl.bfloat16), is_pure=True, pack=4,
        )  # fmt: skip
    else:
        pair = (
            _number(codes, s0, z0, SHIFT, BITS, KIND),
            _number(codes, s1, z1, SHIFT + BITS, BITS, KIND),
        )
    return pair


@triton.jit
def from_words(
    first, second, s0, s1, z0, z1, PLANE: tl.constexpr, BITS: tl.constexpr, KIND: tl.constexpr,
    ASM: tl.constexpr,
):  # fmt: skip
    """Two quarters of int16 words of two bytes each, the lower and the higher byte apart.

    Two bits: planes PLANE and PLANE + 1 of the one word. More: plane PLANE of two words.
    """
    step: tl.constexpr = 2 if BITS == 2 else 0
    low: tl.constexpr = PLANE * BITS
    if ASM:
        if BITS == 2:
            asm: tl.constexpr = _WORDS_2B if PLANE else _WORDS_2A
        else:
            asm: tl.constexpr = _WORDS_4B if PLANE else _WORDS_4A
        four = tl.inline_asm_elementwise(
            asm, "=&r,=&r,=&r,=&r,r,r,r,r,r,r", [first, second, s0, s1, z0, z1],
            dtype=(tl.bfloat16, tl.bfloat16, tl.bfloat16, tl.bfloat16), is_pure=True, pack=2,
        )  # fmt: skip
    else:
        four = (
            _number(first, s0, z0, low, BITS, KIND),
            _number(first, s0, z0, low + 8, BITS, KIND),
            _number(second, s1, z1, low + step, BITS, KIND),
            _number(second, s1, z1, low + step + 8, BITS, KIND),
        )
    return four


@triton.jit
def times(numbers, POWER: tl.constexpr, ASM: tl.constexpr):
    """bfloat16 numbers times a power of two, where the assembly wants it."""
    if ASM:
        asm: tl.constexpr = (
            _TIMES_M16 if POWER == -16 else
            _TIMES_117 if POWER == 117 else
            _TIMES_115 if POWER == 115 else
            _TIMES_113 if POWER == 113 else
            _TIMES_111
        )  # fmt: skip
        numbers = tl.inline_asm_elementwise(
            asm, "=r,r", [numbers], dtype=tl.bfloat16, is_pure=True, pack=2
        )  # fmt: skip
    return numbers


@triton.jit
def _half(words, SHIFT: tl.constexpr):
    return ((words >> SHIFT) & 0xFFFF).to(tl.uint16).to(tl.bfloat16, bitcast=True)


@triton.jit
def two_numbers(words, ASM: tl.constexpr):
    """int32 words of two bfloat16 numbers: the lower and the higher."""
    if ASM:
        pair = tl.inline_asm_elementwise(
            "prmt.b32 $0, $2, $3, 0x5410; prmt.b32 $1, $2, $3, 0x7632;", "=&r,=&r,r,r", [words],
            dtype=(tl.bfloat16, tl.bfloat16), is_pure=True, pack=2,
        )  # fmt: skip
    else:
        pair = (_half(words, 0), _half(words, 16))
    return pair
