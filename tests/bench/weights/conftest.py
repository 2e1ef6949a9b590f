"""One thread, and the small model with the method as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from mnemon.bench.bases import Base
from mnemon.bench.weights import plan, run
from mnemon.bench.weights.sizes import Sizes


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def bench() -> plan.Bench:
    return plan.bench(Base("nano"), method="lora", options={}, seed=0)


@pytest.fixture(scope="session")
def stages() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="session")
def small(stages) -> run.WeightsRun:
    """All sections beside `lifecycle`, with few facts."""
    sizes = Sizes(settings=3, facts=6, edited=1, batches=2, batch=2, conflicts=2, probes=1)
    return run.run_weights(
        sections=("settings", "edits", "retention", "conflict"), sizes=sizes, base=Base("nano"),
        progress=lambda done, of: stages.append((done, of)),
    )  # fmt: skip
