"""Split attention over packed rows of plain keys and values, and over the tail."""

from __future__ import annotations

import triton
import triton.language as tl

from mnemon.kv.decode.kernels.attend import attend, attend_tail, load_queries, store_part
from mnemon.kv.decode.kernels.dependent import prefetch, start_next, wait_for_previous


@triton.jit
def dense(
    queries, keys, values, tail_keys, tail_values, length, chunk_row, chunk_first, chunk_last,
    chunk_slot, out, lse, scale, tails,
    GQ: tl.constexpr, D: tl.constexpr, R: tl.constexpr, TAIL: tl.constexpr, SHARE: tl.constexpr,
    BN: tl.constexpr, STAGES: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    stored = program >= tails
    row = tl.load(chunk_row + program - tails, mask=stored, other=0)
    begin = tl.load(chunk_first + program - tails, mask=stored, other=0)
    end = tl.load(chunk_last + program - tails, mask=stored, other=0)
    slot = tl.load(chunk_slot + program - tails, mask=stored, other=0)
    if PDL and stored:
        # The first tile does not depend on the kernel before.
        width: tl.constexpr = D * keys.dtype.element_ty.primitive_bitwidth // 8
        prefetch(keys + begin.to(tl.int64) * D, (end - begin) * width, BN * width // 128)
        prefetch(values + begin.to(tl.int64) * D, (end - begin) * width, BN * width // 128)
    wait_for_previous(PDL)
    start_next(PDL)
    if program < tails:
        attend_tail(
            queries, tail_keys, tail_values, length, out, lse, program, scale,
            GQ, D, R, TAIL, SHARE, BN,
        )  # fmt: skip
    else:
        q = load_queries(queries, row, 0, GQ, D, D, R)
        best, total, result = attend(q, keys, values, begin, end, scale, D, R, BN, STAGES)
        store_part(out, lse, slot, 0, 1, best, total, result, GQ, D, D, R)
