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
