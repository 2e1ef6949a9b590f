"""Without a CUDA device, kernels run on the CPU through Triton's interpreter.

It is chosen when Triton is imported, which transformers does too: so before any test here is read.
"""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")


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
