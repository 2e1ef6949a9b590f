"""A memory to schedule, and fake keys and values in its places, for which no model is needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mnemon import Memory
from mnemon.compiling import MemoryLedger
from mnemon.kv.tiers.places import place_of


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch) -> None:
    """What was measured on this machine is of no account."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def memory(tmp_path) -> Iterator[Memory]:
    with Memory(tmp_path / "store.db", namespace="acme/ana") as opened:
        yield opened


@pytest.fixture
def told(memory) -> Callable[..., str]:
    """Adds a cube that was read so often; its id."""

    def add(content: str, reads: int = 0, **given: object) -> str:
        cube = memory.add(content, **given)
        if reads:
            memory._store.count_reads({cube.id: reads})
        return cube.id

    return add


@pytest.fixture
def kept(memory) -> Callable[..., str]:
    """Says that a cube has keys and values of so many tokens (of 16,388 bytes) in a place."""

    def keep(id: str, tokens: int = 10, place: str | Path | None = None) -> str:
        place = f"{memory.path}-kv" if place is None else str(place)
        tiers = SimpleNamespace(addresses=[place], flush=lambda: None, delete=len)
        ledger = MemoryLedger(memory, tiers=tiers)
        key = hashlib.sha256(f"{id} {tokens}".encode()).hexdigest()
        place_of(place).write(key, b"\0" * 100)
        header = {"tokens": tokens, "method": "kv.chunk@1", "model": "nano"}
        version = memory.get(id).version
        ledger.record(key, form="kv-chunk", parent=None, sources=[(id, version)], header=header,
                      size=tokens * 16_388)  # fmt: skip
        return key

    return keep
