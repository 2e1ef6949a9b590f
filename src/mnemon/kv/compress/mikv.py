"""Important tokens stay precise, the others stay too, in low bits.

No Token Left Behind: Reliable KV Cache Compression via Importance-Aware Mixed Precision
Quantization (Yang et al., 2024), https://arxiv.org/abs/2402.18096; no official code.
What the scorer would keep is stored at `high_bits`, what it would evict at `low_bits`, each token
in groups of channels. Channels with outliers are balanced before keys are quantized: times
`sqrt(max |query| / max |key|)`, undone when they are read.
How ours differs: the budget decides how many tokens are precise, `importance_ratio` is the least
share: a budget too small for that lets the lowest-scored tokens go. The balance comes from the
newest queries of the first compression; the paper's from the prompt's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import merging, packed
from mnemon.kv.codes import check_bits, coded_from, coded_parts, dequantize_tokens, quantize_tokens
from mnemon.kv.needs import Need
from mnemon.kv.stored import Rows, Stored

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.compress import Shape
    from mnemon.kv.view import LayerView

__all__ = ["MiKV"]

_WHOLE = 16


@dataclass(frozen=True)
class MiKV:
    """Two stores, one precise and one not.

    Attributes:
        low_bits: of tokens that would be evicted: 2, 4 or 8.
        high_bits: of important ones: 16, the model's own precision, or 8 or 4.
        importance_ratio: least share of the stored tokens that is precise.
        group_size: channels that share a scale.
        window_size: newest queries that the balance is measured on.
    """

    low_bits: int = 2
    high_bits: int = 16
    importance_ratio: float = 0.05
    group_size: int = 32
    window_size: int = 64

    needs: ClassVar = frozenset({Need.QUERIES, Need.STORES})

    def __post_init__(self) -> None:
        check_bits("mikv", self.low_bits)
        if self.high_bits != _WHOLE:
            check_bits("mikv", self.high_bits)
        if self.high_bits <= self.low_bits or not 0 < self.importance_ratio <= 1:
            raise InvalidInput(
                f"mikv(low_bits={self.low_bits}, high_bits={self.high_bits}, importance_ratio="
                f"{self.importance_ratio}): give more high bits than low ones, a ratio in (0, 1]"
            )

    def group(self) -> int:
        """Any number of tokens."""
        return 1

    def token_bytes(self, shape: Shape) -> float:
        """What an important token takes more than another."""
        return self._bytes(shape, self.high_bits) - self._bytes(shape, self.low_bits)

    def fixed_bytes(self, shape: Shape) -> float:
        """Every candidate in low bits, and the balance."""
        copies = 0 if shape.stored else 1 + (self.high_bits != _WHOLE)
        balance = copies * shape.key * shape.dtype.itemsize
        return shape.tokens * self._bytes(shape, self.low_bits) + balance

    def least(self, shape: Shape) -> int:
        """Below this share of important tokens, fewer tokens are stored."""
        return math.ceil(self.importance_ratio * shape.tokens)

    def compress(self, view: LayerView, kept: Tensor) -> list[Stored]:
        """Two stores: important tokens, then the others."""
        balance = self._balance(view)
        high = self._coded(view, kept, self.high_bits, balance)
        return [high, self._coded(view, merging.evicted(view, kept), self.low_bits, balance)]

    def read(self, stored: Stored) -> Rows:
        """Stored tensors, dequantized where they are codes."""
        parts = stored.parts
        if "keys" in parts:
            return Rows(parts["keys"], parts["values"], stored.lengths)
        bits = 8 * parts["key_codes"].shape[-1] // parts["balance"].shape[-1]
        keys, values = (dequantize_tokens(coded_from(parts, one), bits) for one in ("key", "value"))
        keys = keys / packed.by_entry(parts["balance"], stored.lengths)
        return Rows(keys, values, stored.lengths)

    def _bytes(self, shape: Shape, bits: int) -> float:
        if bits == _WHOLE:
            return shape.nbytes
        groups = sum(size // min(size, self.group_size) for size in (shape.key, shape.value))
        return (shape.key + shape.value) * bits / 8 + 2 * groups * shape.dtype.itemsize

    def _balance(self, view: LayerView) -> Tensor:
        """`[B, Hkv, D]`: what keys are multiplied by; the first compression's for good."""
        asked = view.asked(self.window_size)
        asked = asked.reshape(*view.keys.shape[:2], -1, asked.shape[-1])
        largest = view.keys.float().abs().amax(2).clamp_min(1e-6)
        fresh = (asked.float().abs().amax(2).clamp_min(1e-6) / largest).sqrt()
        fresh = fresh.to(view.keys.dtype)
        for store in view.stores:
            if "balance" in store.parts:
                known = (store.lengths > 0)[..., None].to(fresh.device)
                fresh = torch.where(known, store.parts["balance"].view_as(fresh), fresh)
        return fresh

    def _coded(self, view: LayerView, chosen: Tensor, bits: int, balance: Tensor) -> Stored:
        count = chosen.shape[2]
        keys, values = view.keys[:, :, :count], view.values[:, :, :count]
        if bits == _WHOLE:
            return merging.exact_store(self, view, chosen, keys, values)
        parts: dict[str, Tensor] = {}
        for name, dense in (("key", keys * balance[:, :, None]), ("value", values)):
            coded = quantize_tokens(packed.pack(dense, chosen), bits, self.group_size)
            parts |= coded_parts(name, coded)
        spans = dict.fromkeys(parts, 1) | {"balance": 0}
        parts["balance"] = balance.flatten(0, 1)
        lengths = packed.lengths_of(chosen)
        return Stored(self, lengths, parts, spans, view.keys.dtype, view.noted(chosen))
