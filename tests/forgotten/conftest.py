"""What tests of forgetting share: one thread, the small model, a memory in all forms."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.weights.facts import LONGER, told

from mnemon import Memory
from mnemon.models.local import load
from mnemon.weights import consolidate


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def nano():
    return load("nano", device="cpu")


@pytest.fixture(scope="session")
def trained(tmp_path_factory, nano) -> Path:
    path = tmp_path_factory.mktemp("forgotten") / "store.db"
    with Memory(path, namespace="ana") as memory:
        told(memory, dict(list(LONGER.items())[:4]))
        consolidate(memory, *nano)
    return path


@pytest.fixture
def memory(trained, tmp_path) -> Iterator[Memory]:
    shutil.copytree(trained.parent, tmp_path / "copy")
    with Memory(tmp_path / "copy" / trained.name, namespace="ana") as opened:
        yield opened
