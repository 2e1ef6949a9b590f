"""What a decoding step reads: stored rows of keys and values, and the tail of recent tokens.

Row r = b * Hkv + h holds the tokens of key-value head h of sequence b; `starts[r]:starts[r + 1]`
are its tokens in the packed tensors, so heads may keep different numbers of them. Keys are stored
after RoPE, at their original positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mnemon.errors import InvalidInput
from mnemon.kv import codes


@dataclass(frozen=True)
class PackedRows:
    """Plain keys and values: `keys`, `values` [N, D], `starts` int32 [B * Hkv + 1]."""

    keys: Tensor
    values: Tensor
    starts: Tensor

    @property
    def nbytes(self) -> int:
        """Bytes that one reading of all of it moves."""
        return self.keys.nbytes + self.values.nbytes


@dataclass(frozen=True)
class LowBitRows:
    """Codes of `bits` bits in KIVI's layout; a number is code * scale + zero.

    `key_codes` uint8 [N, D * bits / 8], `value_codes` uint8 [N, D * value_bits / 8]: bits
    [p * bits, (p + 1) * bits) of byte i hold channel p * (D * bits / 8) + i. Keys have `key_scale`
    and `key_zero` [N / group, D], one for each channel and `group` consecutive tokens of a row;
    values have `value_scale` and `value_zero` [N, D / group], one for each token and `group`
    channels. A row's tokens are a multiple of `group`; `starts` int32 [B * Hkv + 1].
    """

    key_codes: Tensor
    key_scale: Tensor
    key_zero: Tensor
    value_codes: Tensor
    value_scale: Tensor
    value_zero: Tensor
    starts: Tensor
    bits: int
    value_bits: int
    group: int = 32

    @property
    def nbytes(self) -> int:
        """Bytes that one reading of all of it moves."""
        keys = self.key_codes.nbytes + self.key_scale.nbytes + self.key_zero.nbytes
        return keys + self.value_codes.nbytes + self.value_scale.nbytes + self.value_zero.nbytes


@dataclass(frozen=True)
class Tail:
    """Recent tokens, uncompressed: `keys`, `values` [B, Hkv, W, D], `length` int32 [1]."""

    keys: Tensor
    values: Tensor
    length: Tensor


def pack(keys: Tensor, values: Tensor) -> PackedRows:
    """Packed rows of keys and values [B, Hkv, T, D]; contiguous ones are not copied."""
    batch, heads, tokens, size = keys.shape
    starts = torch.arange(batch * heads + 1, dtype=torch.int32, device=keys.device) * tokens
    return PackedRows(keys.reshape(-1, size), values.reshape(-1, size), starts)


def quantize(
    rows: PackedRows, bits: int, group: int = 32, *, value_bits: int | None = None
) -> LowBitRows:
    """Rows in low bits, each group between its least and its greatest number.

    `value_bits` are those of the values, by default as many as the keys'.

    Raises `InvalidInput` where a row's tokens or the channels are no multiple of `group`.
    """
    size = rows.keys.shape[-1]
    value_bits = value_bits or bits
    if not {bits, value_bits} <= {2, 4, 8} or size % group or bool((rows.starts % group).any()):
        raise InvalidInput(
            f"rows of {size} channels cannot be coded in {bits} and {value_bits} bits by groups of "
            f"{group}: take 2, 4 or 8 bits, and rows and channels that are multiples of the group"
        )
    made, scale, zero = codes.quantize(rows.keys.view(-1, group, size), bits, 1)
    keys = (codes.pack_bits(made.flatten(0, 1), bits), scale.squeeze(1), zero.squeeze(1))
    made, scale, zero = codes.quantize(rows.values.view(len(rows.values), -1, group), value_bits, 2)
    values = (codes.pack_bits(made.flatten(1), value_bits), scale.squeeze(2), zero.squeeze(2))
    return LowBitRows(*keys, *values, rows.starts, bits, value_bits, group)


def dequantize(rows: LowBitRows) -> PackedRows:
    """The plain rows that the codes stand for, in the type of their scales."""
    size = rows.key_scale.shape[-1]
    made = codes.unpack_bits(rows.key_codes, rows.bits).view(-1, rows.group, size)
    keys = codes.dequantize(made, rows.key_scale[:, None], rows.key_zero[:, None])
    made = codes.unpack_bits(rows.value_codes, rows.value_bits)
    made = made.unflatten(1, (size // rows.group, rows.group))
    values = codes.dequantize(made, rows.value_scale[..., None], rows.value_zero[..., None])
    return PackedRows(keys.flatten(0, 1), values.flatten(1), rows.starts)
