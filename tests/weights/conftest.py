"""What tests of weights share: one thread, the small model, a memory whose facts are trained."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.weights.facts import FACTS, told

from mnemon import Memory
from mnemon.models import recall_lm
from mnemon.weights import consolidate


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def loaded():
    return recall_lm.load(nano=True)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, loaded) -> Path:
    """A store whose facts are in adapters: copy it to change it."""
    path = tmp_path_factory.mktemp("trained") / "store.db"
    with Memory(path, namespace="ana") as memory:
        told(memory, FACTS)
        consolidate(memory, *loaded)
    return path


@pytest.fixture
def memory(trained, tmp_path) -> Iterator[Memory]:
    shutil.copytree(trained.parent, tmp_path / "copy")
    with Memory(tmp_path / "copy" / trained.name, namespace="ana") as opened:
        yield opened
