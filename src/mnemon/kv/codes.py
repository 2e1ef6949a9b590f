"""Affine low-bit codes, packed plane by plane.

A row of D channels at `bits` bits takes `D * bits / 8` bytes. Byte i keeps channel
`p * (D * bits / 8) + i` in its bits `[p * bits, (p + 1) * bits)`: unpacking gives contiguous
stretches of channels, so that a kernel never interleaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def pack_bits(codes: Tensor, bits: int) -> Tensor:
    """`[..., D]` integers in [0, 2**bits) as uint8 `[..., D * bits / 8]`. bits: 1, 2, 4 or 8."""
    planes = 8 // bits
    folded = codes.to(torch.uint8).unflatten(-1, (planes, codes.shape[-1] // planes))
    out = folded[..., 0, :].clone()
    for plane in range(1, planes):
        out |= folded[..., plane, :] << (plane * bits)
    return out


def unpack_bits(data: Tensor, bits: int) -> Tensor:
    """The inverse of `pack_bits`: uint8 `[..., D]`."""
    mask = (1 << bits) - 1
    return torch.cat([(data >> (plane * bits)) & mask for plane in range(8 // bits)], -1)


def quantize(values: Tensor, bits: int, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Round to 2**bits levels between the least and the greatest value along `dim`.

    Returns:
        codes (uint8, the shape of `values`), scale and zero (that shape, with `dim` of size 1, in
        the precision of `values`): `codes * scale + zero` is the value again.
    """
    least, greatest = values.amin(dim, keepdim=True), values.amax(dim, keepdim=True)
    levels = (1 << bits) - 1
    scale = ((greatest - least).float() / levels).clamp_min(1e-8).to(values.dtype)
    codes = ((values.float() - least.float()) / scale.float()).round_().clamp_(0, levels)
    return codes.to(torch.uint8), scale, least


def dequantize(codes: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    """Values again, in the precision of `scale`."""
    return (codes.float() * scale.float() + zero.float()).to(scale.dtype)
