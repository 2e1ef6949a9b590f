"""Rows of different lengths in one tensor: how stored keys and values lie in memory.

Row `r = b * Hkv + h` is one head of one sequence; it owns the entries `starts[r]:starts[r + 1]`.
Heads and layers may keep different amounts, and nothing is padded. A rectangular store is the
special case of equal lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def pack(dense: Tensor, kept: Tensor) -> Tensor:
    """The entries of `dense` `[B, H, T, ...]` where `kept` `[B, H, T]` is true, `[N, ...]`."""
    return dense[kept]


def lengths_of(kept: Tensor) -> Tensor:
    """How many entries each row keeps: `[B, H]`, int64, on the CPU."""
    return kept.sum(-1).cpu()


def starts_of(lengths: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """Where each row begins and the last one ends: `[R + 1]`, int32."""
    flat = lengths.reshape(-1)
    starts = torch.zeros(flat.numel() + 1, dtype=torch.int32)
    starts[1:] = flat.cumsum(0)
    return starts.to(device)


def is_even(lengths: Tensor) -> bool:
    """Whether all rows have the same length."""
    return bool((lengths == lengths.reshape(-1)[0]).all())


def concat(tensors: Sequence[Tensor], lengths: Sequence[Tensor]) -> Tensor:
    """Row-wise concatenation of packed tensors: row r is the first's row r, then the second's…

    Args:
        tensors: each `[N_i, ...]`.
        lengths: their row lengths, each `[B, H]` (in entries of that tensor).
    """
    if len(tensors) == 1:
        return tensors[0]
    if all(is_even(one) for one in lengths):
        rows = lengths[0].numel()
        folded = [one.reshape(rows, one.shape[0] // rows, *one.shape[1:]) for one in tensors]
        return torch.cat(folded, 1).flatten(0, 1)
    pieces = [
        tensor.split(one.reshape(-1).tolist()) for tensor, one in zip(tensors, lengths, strict=True)
    ]
    return torch.cat([part for row in zip(*pieces, strict=True) for part in row])


def select_sequences(tensor: Tensor, lengths: Tensor, indices: Tensor) -> Tensor:
    """The packed tensor of a batch whose sequence i is the old sequence `indices[i]`."""
    if is_even(lengths):
        batch = lengths.shape[0]
        folded = tensor.reshape(batch, tensor.shape[0] // batch, *tensor.shape[1:])
        return folded[indices.to(tensor.device)].flatten(0, 1)
    pieces = tensor.split(lengths.sum(-1).tolist())
    return torch.cat([pieces[i] for i in indices.tolist()])


def unpack(tensor: Tensor, lengths: Tensor, rows: Sequence[int] | None = None) -> Tensor:
    """Rows of equal length as one tensor `[R, n, ...]`; `rows` picks some (all by default)."""
    flat = lengths.reshape(-1)
    if rows is None or len(rows) == flat.numel():
        return tensor.reshape(flat.numel(), -1, *tensor.shape[1:])
    starts = starts_of(lengths).tolist()
    return torch.stack([tensor[starts[r] : starts[r + 1]] for r in rows])


def same_length(lengths: Tensor) -> list[tuple[int, list[int]]]:
    """The rows grouped by length: `(length, row numbers)`, shortest first."""
    groups: dict[int, list[int]] = {}
    for row, length in enumerate(lengths.reshape(-1).tolist()):
        groups.setdefault(length, []).append(row)
    return sorted(groups.items())


def by_entry(part: Tensor, lengths: Tensor) -> Tensor:
    """What is kept once a row, `[R, ...]`, repeated for each of its entries, `[N, ...]`."""
    return part.repeat_interleave(lengths.reshape(-1).to(part.device), 0)


def times(tensor: Tensor, lengths: Tensor, matrices: Tensor) -> Tensor:
    """Each row's entries `[N, D]` times the row's own matrix, of `[R, D, E]`: `[N, E]`."""
    if is_even(lengths):
        rows = tensor.reshape(lengths.numel(), -1, tensor.shape[-1])
        return torch.bmm(rows, matrices).flatten(0, 1)
    pieces = torch.split(tensor, lengths.reshape(-1).tolist())
    return torch.cat([piece @ matrix for piece, matrix in zip(pieces, matrices, strict=True)])


def storage_bytes(tensors: Sequence[Tensor]) -> int:
    """Bytes that the tensors' storages hold, each storage once: views and slices hide nothing."""
    held = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in tensors}
    return sum(held.values())
