"""The stores under test. A new one is one more row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mnemon.store import Store, open_store


@dataclass(frozen=True)
class Place:
    """Where a store may be made: a folder of its own, or the address of an empty database."""

    folder: Path
    database: Callable[[], str]


STORES: dict[str, Callable[[Place], Store]] = {
    "sqlite-file": lambda place: open_store(str(place.folder / "memory.db")),
    "sqlite-memory": lambda place: open_store(":memory:"),
    "postgresql": lambda place: open_store(place.database()),
}
