"""Kernels run on the CPU through Triton's interpreter, which is chosen when they are imported."""

from __future__ import annotations

import importlib.util
import os
import sys

import numpy as np
import pytest


@pytest.fixture(scope="session")
def interpreter() -> None:
    """Skips where Triton is missing; else its interpreter runs the kernels."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed: kernels cannot be interpreted")
    if "triton" in sys.modules and os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("Triton was imported before its interpreter could be chosen")
    try:
        int(np.zeros(1))
    except TypeError:
        pytest.skip("Triton 3.6's interpreter needs numpy below 2.4")
    except DeprecationWarning:
        pass
    os.environ["TRITON_INTERPRET"] = "1"
