"""Codes of two, four or eight bits become bfloat16: code * scale + zero.

The assembly needs two instructions for two numbers: a code is put into the mantissa of 128.0, 128
is taken away (exact), then one fused multiply-add. The plain form beside each says the same, and is
what the interpreter runs, and models of other types.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _plane(codes, scale, zero, PLANE: tl.constexpr, BITS: tl.constexpr, KIND: tl.constexpr):
    code = (codes >> (PLANE * BITS)) & ((1 << BITS) - 1)
    return (code.to(tl.float32) * scale.to(tl.float32) + zero.to(tl.float32)).to(KIND)


@triton.jit
def four_planes(codes, s0, s1, s2, s3, z0, z1, z2, z3, KIND: tl.constexpr, ASM: tl.constexpr):
    """Bytes of four two-bit codes: the four planes, each with its scale and zero."""
    if ASM:
        planes = _four_planes(codes, s0, s1, s2, s3, z0, z1, z2, z3)
    else:
        planes = (
            _plane(codes, s0, z0, 0, 2, KIND),
            _plane(codes, s1, z1, 1, 2, KIND),
            _plane(codes, s2, z2, 2, 2, KIND),
            _plane(codes, s3, z3, 3, 2, KIND),
        )
    return planes


@triton.jit
def _four_planes(codes, s0, s1, s2, s3, z0, z1, z2, z3):
    return tl.inline_asm_elementwise(
        """{
        .reg .b32 lo, hi, slo, shi, one, quarter, off;
        prmt.b32 lo, $8, 0, 0x4140;
        prmt.b32 hi, $8, 0, 0x4342;
        shr.b32 slo, lo, 4;
        shr.b32 shi, hi, 4;
        mov.b32 one, 0x43004300;
        mov.b32 quarter, 0x3E803E80;
        mov.b32 off, 0xC200C200;
        lop3.b32 $0, lo, 0x00030003, one, 0xEA;
        lop3.b32 $1, hi, 0x00030003, one, 0xEA;
        lop3.b32 $2, lo, 0x000C000C, one, 0xEA;
        lop3.b32 $3, hi, 0x000C000C, one, 0xEA;
        lop3.b32 $4, slo, 0x00030003, one, 0xEA;
        lop3.b32 $5, shi, 0x00030003, one, 0xEA;
        lop3.b32 $6, slo, 0x000C000C, one, 0xEA;
        lop3.b32 $7, shi, 0x000C000C, one, 0xEA;
        sub.rn.bf16x2 $0, $0, one;
        sub.rn.bf16x2 $1, $1, one;
        fma.rn.bf16x2 $2, $2, quarter, off;
        fma.rn.bf16x2 $3, $3, quarter, off;
        sub.rn.bf16x2 $4, $4, one;
        sub.rn.bf16x2 $5, $5, one;
        fma.rn.bf16x2 $6, $6, quarter, off;
        fma.rn.bf16x2 $7, $7, quarter, off;
        fma.rn.bf16x2 $0, $0, $9, $17;
        fma.rn.bf16x2 $1, $1, $10, $18;
        fma.rn.bf16x2 $2, $2, $11, $19;
        fma.rn.bf16x2 $3, $3, $12, $20;
        fma.rn.bf16x2 $4, $4, $13, $21;
        fma.rn.bf16x2 $5, $5, $14, $22;
        fma.rn.bf16x2 $6, $6, $15, $23;
        fma.rn.bf16x2 $7, $7, $16, $24;
        }""",
        "=&r,=&r,=&r,=&r,=&r,=&r,=&r,=&r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r,r",
        [codes, s0, s1, s2, s3, z0, z1, z2, z3],
        dtype=(tl.bfloat16, tl.bfloat16, tl.bfloat16, tl.bfloat16),
        is_pure=True,
        pack=4,
    )


@triton.jit
def two_planes(codes, s0, s1, z0, z1, KIND: tl.constexpr, ASM: tl.constexpr):
    """Bytes of two four-bit codes: the two planes, each with its scale and zero."""
    if ASM:
        planes = _two_planes(codes, s0, s1, z0, z1)
    else:
        planes = (_plane(codes, s0, z0, 0, 4, KIND), _plane(codes, s1, z1, 1, 4, KIND))
    return planes


@triton.jit
def _two_planes(codes, s0, s1, z0, z1):
    return tl.inline_asm_elementwise(
        """{
        .reg .b32 lo, hi, slo, shi, one;
        prmt.b32 lo, $4, 0, 0x4140;
        prmt.b32 hi, $4, 0, 0x4342;
        shr.b32 slo, lo, 4;
        shr.b32 shi, hi, 4;
        mov.b32 one, 0x43004300;
        lop3.b32 $0, lo, 0x000F000F, one, 0xEA;
        lop3.b32 $1, hi, 0x000F000F, one, 0xEA;
        lop3.b32 $2, slo, 0x000F000F, one, 0xEA;
        lop3.b32 $3, shi, 0x000F000F, one, 0xEA;
        sub.rn.bf16x2 $0, $0, one;
        sub.rn.bf16x2 $1, $1, one;
        sub.rn.bf16x2 $2, $2, one;
        sub.rn.bf16x2 $3, $3, one;
        fma.rn.bf16x2 $0, $0, $5, $9;
        fma.rn.bf16x2 $1, $1, $6, $10;
        fma.rn.bf16x2 $2, $2, $7, $11;
        fma.rn.bf16x2 $3, $3, $8, $12;
        }""",
        "=&r,=&r,=&r,=&r,r,r,r,r,r,r,r,r,r",
        [codes, s0, s1, z0, z1],
        dtype=(tl.bfloat16, tl.bfloat16),
        is_pure=True,
        pack=4,
    )


@triton.jit
def one_plane(codes, scale, zero, KIND: tl.constexpr):
    """Bytes of one eight-bit code."""
    return _plane(codes, scale, zero, 0, 8, KIND)


@triton.jit
def _half_word(word, SHIFT: tl.constexpr):
    bits = ((word >> SHIFT) & 0xFFFF).to(tl.uint16)
    return bits.to(tl.bfloat16, bitcast=True)


@triton.jit
def four_numbers(words, ASM: tl.constexpr):
    """64-bit words of four bfloat16 numbers: the four, lowest first."""
    if ASM:
        numbers = _four_numbers(words)
    else:
        numbers = (
            _half_word(words, 0),
            _half_word(words, 16),
            _half_word(words, 32),
            _half_word(words, 48),
        )
    return numbers


@triton.jit
def _four_numbers(words):
    return tl.inline_asm_elementwise(
        """{
        .reg .b32 a0, b0, a1, b1, a2, b2, a3, b3;
        mov.b64 {a0, b0}, $8;
        mov.b64 {a1, b1}, $9;
        mov.b64 {a2, b2}, $10;
        mov.b64 {a3, b3}, $11;
        prmt.b32 $0, a0, a1, 0x5410;
        prmt.b32 $1, a2, a3, 0x5410;
        prmt.b32 $2, a0, a1, 0x7632;
        prmt.b32 $3, a2, a3, 0x7632;
        prmt.b32 $4, b0, b1, 0x5410;
        prmt.b32 $5, b2, b3, 0x5410;
        prmt.b32 $6, b0, b1, 0x7632;
        prmt.b32 $7, b2, b3, 0x7632;
        }""",
        "=&r,=&r,=&r,=&r,=&r,=&r,=&r,=&r,l,l,l,l",
        [words],
        dtype=(tl.bfloat16, tl.bfloat16, tl.bfloat16, tl.bfloat16),
        is_pure=True,
        pack=4,
    )


@triton.jit
def two_numbers(words, ASM: tl.constexpr):
    """32-bit words of two bfloat16 numbers: the two, lowest first."""
    if ASM:
        numbers = _two_numbers(words)
    else:
        numbers = (_half_word(words, 0), _half_word(words, 16))
    return numbers


@triton.jit
def _two_numbers(words):
    return tl.inline_asm_elementwise(
        """
        prmt.b32 $0, $4, $5, 0x5410;
        prmt.b32 $1, $6, $7, 0x5410;
        prmt.b32 $2, $4, $5, 0x7632;
        prmt.b32 $3, $6, $7, 0x7632;
        """,
        "=&r,=&r,=&r,=&r,r,r,r,r",
        [words],
        dtype=(tl.bfloat16, tl.bfloat16),
        is_pure=True,
        pack=4,
    )
