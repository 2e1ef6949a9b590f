"""Copies pages from pinned host memory; a few programs, which leave the device to others."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def fetch(
    host_keys, host_values, chosen, held, keys, values, pages, count, total,
    SIZE: tl.constexpr, BLOCK: tl.constexpr, KEPT: tl.constexpr,
):  # fmt: skip
    """`SIZE` numbers a page, `pages` pages a row in the host, of which `count` are fetched, `total`
    for all rows; `KEPT`: only those that are not `held`.
    """
    place = tl.program_id(0).to(tl.int64)
    while place < total:
        page = tl.load(chosen + place)
        wanted = page >= 0
        if KEPT:
            wanted = tl.load(held + place) != page
        if wanted:
            source = (place // count * pages + page) * SIZE
            target = place * SIZE
            for start in tl.static_range(0, SIZE, BLOCK):
                lane = start + tl.arange(0, BLOCK)
                inside = lane < SIZE
                k = tl.load(host_keys + source + lane, mask=inside)
                v = tl.load(host_values + source + lane, mask=inside)
                tl.store(keys + target + lane, k, mask=inside)
                tl.store(values + target + lane, v, mask=inside)
            if KEPT:
                # Every warp has to have read what is held before one says that it is.
                tl.debug_barrier()
                tl.store(held + place, page)
        place += tl.num_programs(0)
