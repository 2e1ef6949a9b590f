"""A kernel may start while the one before it still runs (programmatic dependent launch).

Every kernel waits before it reads or writes what another may have touched, so that waiting for the
one before is waiting for all before it.
"""

from __future__ import annotations

import triton
import triton.language as tl
from triton.language.extra import cuda


@triton.jit
def wait_for_previous(PDL: tl.constexpr):
    if PDL:
        cuda.gdc_wait()


@triton.jit
def start_next(PDL: tl.constexpr):
    if PDL:
        cuda.gdc_launch_dependents()


@triton.jit
def prefetch(pointer, size, LINES: tl.constexpr):
    """Asks for the first lines (128 bytes each) of `size` bytes to come to the L2 cache."""
    line = tl.minimum(tl.arange(0, LINES), (size - 1) // 128)
    address = pointer.to(tl.int64) + line * 128
    tl.inline_asm_elementwise(
        "prefetch.global.L2 [$1]; mov.b32 $0, 0;", "=r,l", [address],
        dtype=tl.int32, is_pure=False, pack=1,
    )  # fmt: skip
