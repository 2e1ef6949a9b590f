"""A memory in a file, as a user has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mnemon import Memory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def open_memory(path: Path) -> Iterator[Callable[..., Memory]]:
    """Opens the file once more; everything opened is closed at the end."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Memory(path, **options))


@pytest.fixture
def memory(open_memory: Callable[..., Any]) -> Iterator[Memory]:
    memory = open_memory()
    yield memory
    assert memory.fsck() == []
