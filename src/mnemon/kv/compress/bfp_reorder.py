"""Block floating point, with key channels sorted so that outliers share their blocks.

Accurate Block Quantization in LLMs with Outliers (Trukhanov and Soloveychik, 2024),
https://arxiv.org/abs/2403.20137; no official code.
Channels of a block share one exponent, each has a mantissa of `bits` bits. A channel of large norm
costs its neighbours their precision, so channels are ranked by norm first. Queries and keys may be
permuted alike without changing an attention logit; the two channels that rotary embedding turns
together are kept together, as their norms change into each other.
How ours differs: the norms are those of the first compressed text's own keys, head by head, not of
a calibration set; the permutation is stored and undone when keys are read, where the paper
permutes the weights of the projections beforehand and pays nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.kv import packed
from mnemon.kv.codes import check_bits, grouped, pack_bits, unpack_bits
from mnemon.kv.needs import Need
from mnemon.kv.stored import Rows, Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.view import LayerView

__all__ = ["BFPReorder"]


@dataclass(frozen=True)
class BFPReorder:
    """Shared exponents, sorted channels.

    Attributes:
        bits: of a mantissa, sign included: 2, 4 or 8.
        block_size: channels that share an exponent.
        reorder: whether key channels are sorted; without, it is plain block floating point.
    """

    bits: int = 4
    block_size: int = 32
    reorder: bool = True

    needs: ClassVar = frozenset({Need.STORES})

    def __post_init__(self) -> None:
        check_bits("bfp-reorder", self.bits)

    def group(self) -> int:
        """Any number of tokens."""
        return 1

    def token_bytes(self, shape: Shape) -> float:
        """Mantissas, and a byte for each block."""
        blocks = sum(size // min(size, self.block_size) for size in (shape.key, shape.value))
        return (shape.key + shape.value) * self.bits / 8 + blocks

    def fixed_bytes(self, shape: Shape) -> float:
        """The order of the key channels."""
        return 0.0 if shape.stored else float(shape.key * _order_type(shape.key).itemsize)

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """One store: codes `[N, D * bits / 8]`, exponents, and `order` `[R, D]`."""
        count = kept.shape[2]
        order = self._order(view)
        places = order.long()[:, :, None].expand(-1, -1, count, -1)
        keys = packed.pack(view.keys[:, :, :count].gather(-1, places), kept)
        key_codes, key_exponents = encode(keys, self.bits, self.block_size)
        values = packed.pack(view.values[:, :, :count], kept)
        value_codes, value_exponents = encode(values, self.bits, self.block_size)
        parts = {
            "key_codes": key_codes,
            "key_exponents": key_exponents,
            "value_codes": value_codes,
            "value_exponents": value_exponents,
        }
        spans = dict.fromkeys(parts, 1) | {"order": 0}
        parts["order"] = order.flatten(0, 1)
        lengths = packed.lengths_of(kept)
        return [Stored(self, lengths, parts, spans, view.keys.dtype, view.noted(kept))]

    def read(self, stored: Stored) -> Rows:
        """Decoded rows, channels in the model's order."""
        parts = stored.parts
        keys = decode(parts["key_codes"], parts["key_exponents"], self.bits, stored.dtype)
        back = packed.by_entry(parts["order"].long().argsort(-1), stored.lengths)
        values = decode(parts["value_codes"], parts["value_exponents"], self.bits, stored.dtype)
        return Rows(keys.gather(-1, back), values, stored.lengths)

    def _order(self, view: LayerView) -> Tensor:
        """Channels by falling norm, `[B, Hkv, D]`; the first compression's for good."""
        fresh = channel_order(view.keys) if self.reorder else _unsorted(view.keys)
        for store in view.stores:
            known = (store.lengths > 0)[..., None].to(fresh.device)
            fresh = torch.where(known, store.parts["order"].view_as(fresh), fresh)
        return fresh


def channel_order(keys: Tensor) -> Tensor:
    """Pairs of channels `(i, i + D / 2)` by falling norm over the tokens: `[B, Hkv, D]`."""
    size = keys.shape[-1]
    energy = keys.float().square().sum(2)
    if size % 2:
        return energy.argsort(dim=-1, descending=True, stable=True).to(_order_type(size))
    half = size // 2
    pairs = (energy[..., :half] + energy[..., half:]).argsort(dim=-1, descending=True, stable=True)
    return torch.stack([pairs, pairs + half], -1).flatten(-2).to(_order_type(size))


def encode(values: Tensor, bits: int, size: int) -> tuple[Tensor, Tensor]:
    """Packed mantissas `[N, D * bits / 8]` and exponents int8 `[N, D / size]` of `[N, D]`."""
    blocks = grouped(values.float(), size)
    exponents = torch.frexp(blocks.abs().amax(-1)).exponent.clamp(-100, 100)
    top = 1 << (bits - 1)
    mantissas = torch.ldexp(blocks, (bits - 1 - exponents)[..., None]).round_()
    codes = mantissas.clamp_(-top, top - 1) + top
    return pack_bits(codes.reshape(values.shape), bits), exponents.to(torch.int8)


def decode(codes: Tensor, exponents: Tensor, bits: int, dtype: torch.dtype) -> Tensor:
    """The inverse of `encode`, `[N, D]`."""
    mantissas = unpack_bits(codes, bits).float() - (1 << (bits - 1))
    size = mantissas.shape[-1] // exponents.shape[-1]
    blocks = mantissas.reshape(mantissas.shape[0], exponents.shape[-1], size)
    return (
        torch.ldexp(blocks, (exponents.int() - (bits - 1))[..., None])
        .reshape(mantissas.shape)
        .to(dtype)
    )


def _unsorted(keys: Tensor) -> Tensor:
    size = keys.shape[-1]
    order = torch.arange(size, device=keys.device).to(_order_type(size))
    return order.expand(*keys.shape[:2], -1).contiguous()


def _order_type(channels: int) -> torch.dtype:
    return torch.uint8 if channels <= 256 else torch.int16
