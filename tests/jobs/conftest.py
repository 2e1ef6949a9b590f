"""A memory whose jobs are worked off, and one that leaves them alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnemon import Draft, MemCube, Memory, Policy


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def memory(path: Path) -> Iterator[Memory]:
    with Memory(path) as memory:
        yield memory


@pytest.fixture
def idle(memory: Memory) -> Memory:
    """A memory that works nothing off by itself."""
    memory.jobs.start(0)
    return memory


@pytest.fixture
def expiring() -> Callable[..., MemCube]:
    """Adds a cube that a reflect retires."""

    def add(memory: Memory, **more: str) -> MemCube:
        policy = Policy(retain_until="2020-01-01T00:00:00+00:00")  # type: ignore[arg-type]
        return memory.add(Draft("long ago", policy=policy), **more)

    return add


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Makes `reflect` stand still in the middle of its work: (begun, go on)."""
    begun, going = threading.Event(), threading.Event()

    def reflect(self, *, namespace, progress):
        progress(0, 2)
        begun.set()
        while not going.wait(0.01):
            progress(1, 2)
        return 5

    monkeypatch.setattr(Memory, "reflect", reflect)
    return begun, going
