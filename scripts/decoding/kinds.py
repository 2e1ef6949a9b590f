"""How keys and values are stored, by kind."""

from __future__ import annotations

import torch
from torch import Tensor

from decoding.model import DEVICE
from mnemon.kv.decode.rows import LowBitRows, PackedRows, dequantize, pack, quantize

STORED = ("full", "drop", "ragged", "bits4", "bits2")
AWAY = ("retrieve", "retrieve-kept")
KINDS = (*STORED, *AWAY)
# Shares of the tokens that the eight heads keep: a quarter on average.
SHARES = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.40, 0.55)


def kept(rows: PackedRows, indices: list[Tensor]) -> PackedRows:
    """Of each row only the tokens at `indices`."""
    starts = rows.starts.tolist()
    at = torch.cat([index + first for index, first in zip(indices, starts, strict=False)])
    counts = torch.tensor([0, *map(len, indices)], dtype=torch.int32, device=rows.keys.device)
    return PackedRows(rows.keys[at], rows.values[at], counts.cumsum(0, dtype=torch.int32))


def some(tokens: int, share: float, seed: int) -> Tensor:
    """The given share of the tokens, at random, in order."""
    generator = torch.Generator().manual_seed(seed)
    count = max(1, int(tokens * share))
    return torch.randperm(tokens, generator=generator)[:count].sort().values.to(DEVICE)


def choose(kind: str, tokens: int) -> list[Tensor]:
    """The tokens that each of the eight heads keeps."""
    if kind == "drop":
        return [some(tokens, 0.25, 1)] * 8
    return [some(tokens, share, head) for head, share in enumerate(SHARES)]


def of_heads(rows: PackedRows, heads: slice) -> PackedRows:
    """Rows of equal length, those of some heads only; the others are empty."""
    tokens = len(rows.keys) // 8
    counts = torch.zeros(9, dtype=torch.int32, device=rows.keys.device)
    counts[1:][heads] = tokens
    keys, values = (x.view(8, tokens, -1)[heads].flatten(0, 1) for x in (rows.keys, rows.values))
    return PackedRows(keys, values, counts.cumsum(0, dtype=torch.int32))


def graded(rows: PackedRows) -> tuple[LowBitRows, LowBitRows]:
    """Two segments: even heads in four bits, odd ones in four for keys and two for values."""
    even, odd = of_heads(rows, slice(0, 8, 2)), of_heads(rows, slice(1, 8, 2))
    return quantize(even, 4), quantize(odd, 4, value_bits=2)


def plain(rows: PackedRows | LowBitRows | tuple[LowBitRows, LowBitRows]) -> PackedRows:
    """What is stored, in numbers."""
    if isinstance(rows, PackedRows):
        return rows
    if isinstance(rows, LowBitRows):
        return dequantize(rows)
    even, odd = (dequantize(one) for one in rows)
    pairs = ((even.keys, odd.keys), (even.values, odd.values))
    return pack(*(torch.stack([x.view(4, -1, 128) for x in pair], 1).view(1, 8, -1, 128)
                  for pair in pairs))  # fmt: skip


def stored(
    kind: str, rows: PackedRows, choice: list[Tensor]
) -> PackedRows | LowBitRows | tuple[LowBitRows, LowBitRows]:
    """The rows as `kind` stores them."""
    if kind == "graded":
        return graded(rows)
    if kind in ("drop", "ragged"):
        return kept(rows, choice)
    if kind.startswith("bits"):
        return quantize(rows, int(kind[4:]))
    return rows


def random_rows(tokens: int) -> PackedRows:
    shape = (1, 8, tokens, 128)
    keys, values = (torch.randn(shape, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    return pack(keys, values)
