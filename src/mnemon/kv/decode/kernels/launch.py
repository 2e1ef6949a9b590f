"""Launches the kernels: shapes of grids and tiles, which were chosen by measuring on an H200."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
from torch import Tensor

from mnemon.kv.decode import ends as ends_
from mnemon.kv.decode import gemv as gemv_
from mnemon.kv.decode.chunks import SHARE, Chunks, Parts
from mnemon.kv.decode.fetch import FetchedRows
from mnemon.kv.decode.kernels import dense, ends, fetch, gemv, heads, lowbit, merge
from mnemon.kv.decode.rope import Rotation
from mnemon.kv.decode.rows import LowBitRows, PackedRows, Tail


@dataclass(frozen=True)
class Tile:
    """Rows and columns of the matrix that a program reads at once, its warps and registers."""

    rows: int
    columns: int
    warps: int
    registers: int | None = None


LINEAR = Tile(4, 1024, 2)
LONG = Tile(4, 2048, 8, 128)
WIDE = Tile(4, 4096, 4)
GATED = Tile(4, 4096, 4)
QKV = Tile(4, 1024, 2)
# Attention's softmax is in base 2.
LOG2_E = 1.4426950408889634
DENSE_TOKENS, DENSE_STAGES, DENSE_WARPS, DENSE_PROGRAMS = 64, 3, 4, 2
LOWBIT_STAGES, LOWBIT_REGISTERS, LOWBIT_PROGRAMS = 2, 168, 12
# Enough to keep the link to the host busy.
FETCH_PROGRAMS = 32


def programs(rows: PackedRows | LowBitRows | FetchedRows, device: torch.device) -> int:
    """How many programs of the kernel for `rows` run at once on `device`."""
    processors = int(torch.cuda.get_device_properties(device).multi_processor_count)
    return processors * (LOWBIT_PROGRAMS if isinstance(rows, LowBitRows) else DENSE_PROGRAMS)


def _dependent(x: Tensor) -> bool:
    """Whether the device can start a kernel before the one before it has ended."""
    return x.is_cuda and torch.cuda.get_device_capability(x.device) >= (9, 0)


def _by_hand(x: Tensor) -> bool:
    """Whether the device runs the assembly of `unpack`, and the type is what it makes."""
    modern = x.is_cuda and torch.cuda.get_device_capability(x.device) >= (8, 0)
    return modern and x.dtype == torch.bfloat16


def _options(x: Tensor, tile: Tile | None = None) -> dict[str, int | bool]:
    options: dict[str, int | bool] = {"launch_pdl": True} if _dependent(x) else {}
    if tile is not None:
        options["num_warps"] = tile.warps
        if tile.registers and x.is_cuda:
            options["maxnreg"] = tile.registers
    return options


def _columns(tile: Tile, size: int) -> int:
    return min(tile.columns, int(triton.next_power_of_2(size)))


def linear_kernel(
    x: Tensor,
    weight: Tensor,
    out: Tensor,
    norm: gemv_.Norm | None,
    bias: Tensor | None,
    residual: Tensor | None,
    tile: Tile | None = None,
) -> None:
    """`mnemon.kv.decode.gemv.linear` in one kernel."""
    count, size = weight.shape
    if tile is None:
        tile = LONG if size > 8192 else WIDE if count > 16384 else LINEAR
    grid = (len(x), triton.cdiv(count, tile.rows))
    gemv.linear[grid](
        x, weight if norm is None else norm.weight, weight, weight if bias is None else bias,
        weight if residual is None else residual, out, 0.0 if norm is None else norm.eps, count,
        K=size, BN=tile.rows, BK=_columns(tile, size), NORM=norm is not None,
        BIAS=bias is not None, RESIDUAL=residual is not None, PDL=_dependent(x),
        **_options(x, tile),
    )  # fmt: skip


def gated_kernel(
    x: Tensor, weight: Tensor, out: Tensor, norm: gemv_.Norm, tile: Tile = GATED
) -> None:
    """`mnemon.kv.decode.gemv.gated` in one kernel."""
    count, size = out.shape[1], weight.shape[1]
    grid = (len(x), triton.cdiv(count, tile.rows // 2))
    gemv.gated[grid](
        x, norm.weight, weight, out, norm.eps, count, K=size, BN=tile.rows,
        BK=_columns(tile, size), PDL=_dependent(x), **_options(x, tile),
    )  # fmt: skip


def qkv_kernel(
    x: Tensor,
    weight: Tensor,
    queries: Tensor,
    tail: Tail,
    rotation: Rotation,
    norm: gemv_.Norm,
    bias: Tensor | None,
    tile: Tile = QKV,
) -> None:
    """`mnemon.kv.decode.gemv.project_qkv` in one kernel, for heads without a norm of their own."""
    count, size = weight.shape
    hkv, room, channels = tail.keys.shape[1:]
    gemv.qkv[(len(x), count // tile.rows)](
        x, norm.weight, weight, weight if bias is None else bias, rotation.cos, rotation.sin,
        queries, tail.keys, tail.values, tail.length, norm.eps, K=size, BN=tile.rows,
        BK=_columns(tile, size), HQ=queries.shape[1], HKV=hkv, D=channels, TAIL=room,
        BIAS=bias is not None, PDL=_dependent(x), **_options(x, tile),
    )  # fmt: skip


def heads_kernel(
    projected: Tensor,
    queries: Tensor,
    tail: Tail,
    rotation: Rotation,
    query_norm: gemv_.Norm,
    key_norm: gemv_.Norm,
) -> None:
    """Normalises, rotates and places the heads of `projected` [B, (Hq + 2 Hkv) D]."""
    hq, channels = queries.shape[1:]
    hkv, room = tail.keys.shape[1:3]
    heads.heads[(len(projected), hq + 2 * hkv)](
        projected, query_norm.weight, key_norm.weight, rotation.cos, rotation.sin, queries,
        tail.keys, tail.values, tail.length, query_norm.eps, HQ=hq, HKV=hkv, D=channels,
        TAIL=room, PDL=_dependent(projected), num_warps=1, **_options(projected),
    )  # fmt: skip


def dense_kernel(
    queries: Tensor,
    rows: PackedRows,
    tail: Tail,
    chunks: Chunks,
    tails: int,
    scale: float,
    out: Tensor,
    lse: Tensor,
    joins: bool = False,
) -> None:
    """`mnemon.kv.decode.attention.attend` over plain rows.

    `joins`: what it reads comes from another stream too, so that it starts when both have ended.
    """
    group, channels = out.shape[1:]
    # Wide tiles of float32 would not fit three times into shared memory.
    stages = DENSE_STAGES if channels * rows.keys.itemsize <= 512 else 2
    dense.dense[(tails + len(chunks.row),)](
        queries, rows.keys, rows.values, tail.keys, tail.values, tail.length,
        chunks.row, chunks.first, chunks.last, chunks.slot, out, lse, scale * LOG2_E, tails,
        GQ=group, D=channels, R=max(8, triton.next_power_of_2(group)), TAIL=tail.keys.shape[2],
        SHARE=SHARE, BN=DENSE_TOKENS, STAGES=stages,
        PDL=_dependent(queries) and not joins, num_warps=DENSE_WARPS,
        **({} if joins else _options(queries)),
    )  # fmt: skip


def lowbit_kernel(
    queries: Tensor,
    rows: LowBitRows,
    tail: Tail,
    chunks: Chunks,
    tails: int,
    scale: float,
    out: Tensor,
    lse: Tensor,
    joins: bool = False,
) -> None:
    """`mnemon.kv.decode.attention.attend` over low-bit rows; `joins` as in `dense_kernel`."""
    group = out.shape[1]
    by_hand = _by_hand(queries)
    few = max(rows.bits, rows.value_bits) < 8
    registers = {"maxnreg": LOWBIT_REGISTERS} if by_hand and few else {}
    lowbit.lowbit[(tails + len(chunks.row),)](
        queries, rows.key_codes, rows.key_scale, rows.key_zero,
        rows.value_codes.view(torch.int16), rows.value_scale.view(torch.int32),
        rows.value_zero.view(torch.int32), tail.keys, tail.values, tail.length,
        chunks.row, chunks.first, chunks.last, chunks.slot, out, lse, scale * LOG2_E, tails,
        GQ=group, R=max(8, triton.next_power_of_2(group)), BITS=rows.bits,
        VALUE_BITS=rows.value_bits, G=rows.group,
        NG=64 // rows.group, TAIL=tail.keys.shape[2], SHARE=SHARE, STAGES=LOWBIT_STAGES,
        ASM=by_hand and rows.bits < 8, VALUE_ASM=by_hand and rows.value_bits < 8,
        PDL=_dependent(queries) and not joins, num_warps=1, **registers,
        **({} if joins else _options(queries)),
    )  # fmt: skip


def fetch_kernel(rows: FetchedRows) -> None:
    """`mnemon.kv.decode.fetch.fetch` in one kernel, which starts when all before it has ended."""
    pages, page, channels = rows.host_keys.shape[1:]
    total = rows.chosen.numel()
    fetch.fetch[(min(total, FETCH_PROGRAMS),)](
        rows.host_keys, rows.host_values, rows.chosen,
        rows.chosen if rows.held is None else rows.held, rows.plain.keys, rows.plain.values,
        pages, rows.chosen.shape[1], total, SIZE=page * channels,
        BLOCK=min(4096, triton.next_power_of_2(page * channels)), KEPT=rows.held is not None,
    )  # fmt: skip


def merge_kernel(out: Tensor, lse: Tensor, parts: Parts, context: Tensor) -> None:
    """`mnemon.kv.decode.merge.merge` in one kernel."""
    group, channels = out.shape[1:]
    merge.merge[(parts.rows * group, channels // 32)](
        out, lse, parts.of_row, context, parts.rows, GQ=group, D=channels, W=32,
        SHARES=parts.shares, BS=min(256, triton.next_power_of_2(parts.shares + parts.most)),
        PDL=_dependent(context), num_warps=4, **_options(context),
    )  # fmt: skip


def begin_kernel(embedding: Tensor, place: ends_.Place, rotation: Rotation, hidden: Tensor) -> None:
    """`mnemon.kv.decode.ends.begin` in one kernel."""
    size, half = hidden.shape[1], rotation.cos.shape[1]
    ends.begin[(len(hidden), triton.cdiv(size, 1024))](
        embedding, place.token, place.position, rotation.frequencies, hidden, rotation.cos,
        rotation.sin, rotation.scaling, K=size, BK=1024, HALF=half, PDL=_dependent(hidden),
        **_options(hidden),
    )  # fmt: skip


def end_kernel(logits: Tensor, place: ends_.Place) -> None:
    """`mnemon.kv.decode.ends.end` in two kernels."""
    batch, count = logits.shape
    blocks = triton.cdiv(count, ends_.BLOCK)
    best = torch.empty(batch, blocks, dtype=torch.float32, device=logits.device)
    best_at = torch.empty(batch, blocks, dtype=torch.int32, device=logits.device)
    ends.best_of_blocks[(batch, blocks)](
        logits, best, best_at, count, blocks, BLOCK=ends_.BLOCK, PDL=_dependent(logits),
        **_options(logits),
    )  # fmt: skip
    ends.end[(1,)](
        best, best_at, place.token, place.made, place.length, place.position, blocks,
        ROOM=place.made.shape[1], BLOCK=triton.next_power_of_2(blocks), BATCH=batch,
        PDL=_dependent(logits), num_warps=1, **_options(logits),
    )  # fmt: skip
