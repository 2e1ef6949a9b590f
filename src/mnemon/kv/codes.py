"""Affine low-bit codes, packed plane by plane.

A row of D channels at `bits` bits takes `D * bits / 8` bytes. Byte i keeps channel
`p * (D * bits / 8) + i` in its bits `[p * bits, (p + 1) * bits)`: unpacking gives contiguous
stretches of channels, so that a kernel never interleaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import torch

from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    step = scale.float().masked_fill(scale == 0, 1.0)  # a spread below what the precision holds
    codes = (values.float() - least.float()).div_(step).round_().clamp_(0, levels)
    return codes.to(torch.uint8), scale, least


def dequantize(codes: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    """Values again, in the precision of `scale`."""
    return codes.float().mul_(scale.float()).add_(zero.float()).to(scale.dtype)


def check_bits(method: str, *bits: int) -> None:
    """Refuse widths that cannot be packed.

    Raises:
        InvalidInput: not 1, 2, 4 or 8.
    """
    for width in bits:
        if width not in (1, 2, 4, 8):
            raise InvalidInput(f"{method}: {width} bits cannot be packed; give 1, 2, 4 or 8")


def grouped(values: Tensor, size: int) -> Tensor:
    """`[..., D]` as `[..., D / size, size]`: channels that share a scale; all if D is smaller.

    Raises:
        InvalidInput: the channels do not divide into groups.
    """
    channels = values.shape[-1]
    each = min(size, channels)
    if channels % each:
        raise InvalidInput(
            f"{channels} channels a head do not divide into groups of {each}: give a group size"
            f" that divides {channels}"
        )
    return values.reshape(*values.shape[:-1], channels // each, each)


Coded: TypeAlias = "tuple[Tensor, Tensor, Tensor]"


def quantize_tokens(values: Tensor, bits: int, size: int) -> Coded:
    """Each token by itself, `size` channels a scale.

    Args:
        values: `[N, D]`.

    Returns:
        packed codes `[N, D * bits / 8]`, scales and zeros `[N, D / size]`.
    """
    codes, scale, zero = quantize(grouped(values, size), bits, -1)
    return pack_bits(codes.reshape(values.shape), bits), scale.squeeze(-1), zero.squeeze(-1)


def dequantize_tokens(coded: Coded, bits: int) -> Tensor:
    """The inverse of `quantize_tokens`, `[N, D]`."""
    data, scale, zero = coded
    codes = unpack_bits(data, bits)
    folded = codes.reshape(codes.shape[0], scale.shape[-1], codes.shape[-1] // scale.shape[-1])
    return dequantize(folded, scale[..., None], zero[..., None]).reshape(codes.shape)


def coded_parts(name: str, coded: Coded) -> dict[str, Tensor]:
    """What `quantize_tokens` gave as parts of a store: `<name>_codes`, `_scale` and `_zero`."""
    return {f"{name}_{what}": part for what, part in zip(_PARTS, coded, strict=True)}


def coded_from(parts: Mapping[str, Tensor], name: str) -> Coded:
    """The inverse of `coded_parts`."""
    codes, scale, zero = (parts[f"{name}_{what}"] for what in _PARTS)
    return codes, scale, zero


_PARTS = ("codes", "scale", "zero")
