"""What all KV tests share: one thread, a fixed seed, kernels without a CUDA device.

Without one, kernels run on the CPU through Triton's interpreter. It is chosen when Triton is
imported, which transformers does too: so before any test is read.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def interpreter() -> None:
    """Skips where Triton is missing, or cannot interpret."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed: kernels cannot be interpreted")
    try:
        int(np.zeros(1))
    except TypeError:
        pytest.skip("Triton 3.6's interpreter needs numpy below 2.4")
    except DeprecationWarning:
        pass
    from triton import language
    from triton.runtime.interpreter import InterpretedFunction

    if not isinstance(language.sum, InterpretedFunction):
        pytest.skip("Triton was imported before its interpreter could be chosen")
