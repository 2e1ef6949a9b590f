"""Copies pages from pinned host memory; one program a page."""

from __future__ import annotations

import triton
import triton.language as tl

from mnemon.kv.decode.kernels.dependent import start_next, wait_for_previous


@triton.jit
def fetch(
    host_keys, host_values, chosen, keys, values, pages, count,
    SIZE: tl.constexpr, BLOCK: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    """`SIZE` numbers a page, `pages` pages a row in the host, of which `count` are fetched."""
    program = tl.program_id(0).to(tl.int64)
    wait_for_previous(PDL)
    start_next(PDL)
    source = (program // count * pages + tl.load(chosen + program)) * SIZE
    for start in tl.static_range(0, SIZE, BLOCK):
        lane = start + tl.arange(0, BLOCK)
        inside = lane < SIZE
        k = tl.load(host_keys + source + lane, mask=inside)
        v = tl.load(host_values + source + lane, mask=inside)
        tl.store(keys + program * SIZE + lane, k, mask=inside)
        tl.store(values + program * SIZE + lane, v, mask=inside)
