"""A memory as a user has it: in a file, and for what replicas share, in PostgreSQL too."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mnemon import Memory

_ON_BOTH = {
    "test_forget", "test_namespaces", "test_policy", "test_rollback", "test_times",
    "test_two_memories",
}  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run some files' tests over both stores, but for those that look at the file itself."""
    module = metafunc.module.__name__.rpartition(".")[2]
    looks = "path" in inspect.signature(metafunc.function).parameters
    if "path" in metafunc.fixturenames and module in _ON_BOTH and not looks:
        metafunc.parametrize("path", ["file", "postgresql"], indirect=True)


@pytest.fixture
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if getattr(request, "param", "file") == "postgresql":
        return request.getfixturevalue("database")()
    return tmp_path / "memory.db"


@pytest.fixture
def open_memory(path: Path | str) -> Iterator[Callable[..., Memory]]:
    """Opens the store once more; everything opened is closed at the end."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Memory(path, **options))


@pytest.fixture
def memory(open_memory: Callable[..., Any]) -> Iterator[Memory]:
    memory = open_memory()
    yield memory
    assert memory.fsck() == []
