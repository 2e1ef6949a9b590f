"""What tests of local models share: one thread, the small sibling loaded once, a memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from mnemon.memory import Memory
from mnemon.models.local import Loaded, Runtime, load


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def nano() -> Loaded:
    return load("nano", device="cpu")


@pytest.fixture
def memory() -> Iterator[Memory]:
    with Memory(":memory:") as made:
        yield made


@pytest.fixture
def talk(nano: Loaded, memory: Memory) -> Callable[..., Runtime]:
    """A runtime over the small model; answers have at most eight tokens."""

    def make(**given: Any) -> Runtime:
        return Runtime(nano, memory, **{"max_new_tokens": 8, "session": "s", **given})

    return make
