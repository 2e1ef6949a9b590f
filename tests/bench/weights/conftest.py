"""One thread, and the small model with the method as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from mnemon.bench.weights import plan


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def bench() -> plan.Bench:
    return plan.bench(nano=True, method="lora", options={}, seed=0)
