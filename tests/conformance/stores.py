"""The stores under test. A new one is one more row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mnemon.store import Store, open_store

STORES: dict[str, Callable[[Path], Store]] = {
    "sqlite-file": lambda folder: open_store(str(folder / "memory.db")),
    "sqlite-memory": lambda folder: open_store(":memory:"),
}
