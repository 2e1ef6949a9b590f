"""Rows of keys and values become codes of few bits, and numbers again: by torch, or on a GPU in one
pass by a kernel.

Torch goes over the numbers some twenty times, which on a GPU takes longer than all else that
compressing does. The kernels read them once, where they lie.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from mnemon.kv import codes

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.codes import Coded

_WIDEST = 1024  # channels that a program of a kernel holds


@dataclass(frozen=True)
class Picked:
    """Rows of heads `[M, C, D]`, counted through: row r is `heads[r // C, r % C]`.

    Attributes:
        at: which rows, int64 `[N]`; None: all.
    """

    heads: Tensor
    at: Tensor | None = None

    def __len__(self) -> int:
        return self.heads.shape[0] * self.heads.shape[1] if self.at is None else len(self.at)

    def rows(self) -> Tensor:
        """`[N, D]`."""
        every = self.heads.flatten(0, 1)
        return every if self.at is None else every[self.at]


def by_channel(picked: Picked, bits: int, size: int) -> Coded:
    """Each channel of `size` rows in turn by itself, as KIVI codes keys.

    Returns:
        packed codes `[N, D * bits / 8]`, scales and zeros `[N / size, D]`.
    """
    if _fused(picked.heads, size):
        with torch.cuda.device(picked.heads.device):
            return _kernels().by_channel(picked, bits, size)
    rows = picked.rows()
    made, scale, zero = codes.quantize(rows.reshape(-1, size, rows.shape[-1]), bits, 1)
    return codes.pack_bits(made.flatten(0, 1), bits), scale.squeeze(1), zero.squeeze(1)


def by_token(picked: Picked, bits: int, size: int) -> Coded:
    """Each row by itself, `size` channels a scale: `codes.quantize_tokens`."""
    if _fused(picked.heads, min(size, picked.heads.shape[-1])):
        with torch.cuda.device(picked.heads.device):
            return _kernels().by_token(picked, bits, size)
    return codes.quantize_tokens(picked.rows(), bits, size)


def read_by_channel(coded: Coded, bits: int, size: int) -> Tensor:
    """The rows `[N, D]` that `by_channel` coded, in the precision of their scales."""
    packed, scale, zero = coded
    if _fused(scale, size):
        with torch.cuda.device(scale.device):
            return _kernels().read_by_channel(coded, bits, size)
    made = codes.unpack_bits(packed, bits).reshape(-1, size, scale.shape[-1])
    return codes.dequantize(made, scale[:, None], zero[:, None]).flatten(0, 1)


def read_by_token(coded: Coded, bits: int) -> Tensor:
    """The rows `[N, D]` that `by_token` coded."""
    packed, scale, _ = coded
    channels = packed.shape[-1] * 8 // bits
    if scale.is_cuda and _fits(channels, channels // scale.shape[-1]):
        with torch.cuda.device(scale.device):
            return _kernels().read_by_token(coded, bits)
    return codes.dequantize_tokens(coded, bits)


def _fused(rows: Tensor, size: int) -> bool:
    return rows.is_cuda and _fits(rows.shape[-1], size)


def _fits(channels: int, size: int) -> bool:
    """Whether a kernel takes rows: its tiles have powers of two a side."""
    even = all(one & (one - 1) == 0 for one in (channels, size))
    return even and 8 <= channels <= _WIDEST and _has_triton()


@cache
def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


def _kernels() -> Any:
    from mnemon.kv import encoding_kernels

    return encoding_kernels
