"""Attention of one token's queries to stored rows and to the tail, in parts.

Which kernel reads the rows depends on how they are stored; both leave `out` and `lse` of every part
in its slot, to be merged.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mnemon.errors import InvalidInput
from mnemon.kv.decode.chunks import SHARE, Chunks, Parts
from mnemon.kv.decode.fetch import FetchedRows
from mnemon.kv.decode.rows import LowBitRows, PackedRows, Tail, dequantize

Rows = PackedRows | LowBitRows | FetchedRows


def attend(
    queries: Tensor,
    segments: Sequence[Rows],
    tail: Tail,
    parts: Parts,
    scale: float,
    out: Tensor,
    lse: Tensor,
) -> None:
    """Attends from `queries` [B, Hq, D] to all segments and `length + 1` tokens of the tail.

    Writes `out` float32 [slots, GQ, D], each part normalised by itself, and `lse` float32
    [slots, GQ]. `scale` multiplies the scores. Of pages, those that were fetched are attended to.
    """
    fetches = any(isinstance(rows, FetchedRows) for rows in segments)
    for index, (rows, chunks) in enumerate(zip(segments, parts.segments, strict=True)):
        joins = fetches and index == 0
        if isinstance(rows, FetchedRows):
            rows = rows.plain
        tails = parts.rows * parts.shares if index == 0 else 0
        if not queries.is_cuda:
            attend_reference(queries, rows, tail, chunks, tails, scale, out, lse)
        elif isinstance(rows, PackedRows):
            from mnemon.kv.decode.kernels.launch import dense_kernel

            dense_kernel(queries, rows, tail, chunks, tails, scale, out, lse, joins)
        else:
            from mnemon.kv.decode.kernels.launch import lowbit_kernel

            lowbit_kernel(queries, rows, tail, chunks, tails, scale, out, lse, joins)


def attend_reference(
    queries: Tensor,
    rows: PackedRows | LowBitRows,
    tail: Tail,
    chunks: Chunks,
    tails: int,
    scale: float,
    out: Tensor,
    lse: Tensor,
) -> None:
    """One segment in plain torch, and the first `tails` slots, the tail's; low-bit rows are
    dequantised first.
    """
    plain = dequantize(rows) if isinstance(rows, LowBitRows) else rows
    heads = queries.view(-1, out.shape[1], queries.shape[-1])
    recent = [one.flatten(0, 1) for one in (tail.keys, tail.values)]
    length, shares = int(tail.length) + 1, tails // len(heads)
    for slot in range(tails):
        row, first = slot // shares, slot % shares * SHARE
        here = slice(first, max(first, min(first + SHARE, length)))
        keys, values = (one[row, here] for one in recent)
        out[slot], lse[slot] = attend_segment(heads[row], keys, values, scale)
    columns = (chunks.row, chunks.first, chunks.last, chunks.slot)
    for row, first, last, slot in zip(*(one.tolist() for one in columns), strict=True):
        keys, values = plain.keys[first:last], plain.values[first:last]
        out[slot], lse[slot] = attend_segment(heads[row], keys, values, scale)


def attend_segment(
    queries: Tensor, keys: Tensor, values: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """Attention of `queries` [GQ, D] to `keys`, `values` [T, D]: out [GQ, D] and lse [GQ]."""
    scores = queries.float() @ keys.float().T * scale
    lse = torch.logsumexp(scores, -1)
    shares = torch.exp(scores - torch.where(lse.isinf(), 0, lse)[:, None])
    return shares @ values.float(), lse


def refuse_shape(rows: Rows, size: int, group: int) -> None:
    """Raises `InvalidInput` for what the kernels cannot read."""
    if group > 16 or size not in (64, 128, 256):
        raise InvalidInput(
            f"the kernels take heads of 64, 128 or 256 channels and at most 16 query heads for one "
            f"key-value head, not {size} channels and {group} heads"
        )
    if not isinstance(rows, LowBitRows):
        return
    if max(rows.key_codes.numel(), rows.value_codes.numel()) >= 2**31:
        raise InvalidInput(
            f"the low-bit kernel counts bytes in 32 bits, and {rows.key_codes.numel():,} bytes of "
            "codes in one layer are too many: store fewer tokens"
        )
    kind = rows.key_scale.dtype
    if size != 128 or rows.group not in (32, 64) or kind != torch.bfloat16:
        raise InvalidInput(
            f"the low-bit kernel takes heads of 128 channels in groups of 32 or 64 with bfloat16 "
            f"scales, not {size} channels in groups of {rows.group} with {kind}: keep these rows "
            "plain"
        )
