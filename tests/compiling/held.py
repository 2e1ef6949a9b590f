"""Blobs as bytes in a folder and a remote, and a ledger over them: no model is needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mnemon import Memory
from mnemon.compiling import MemoryLedger
from mnemon.errors import StaleArtifact
from mnemon.kv.tiers.places import place_of


def key(*parts: object) -> str:
    """A key such as blobs have."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


class Held:
    """What a ledger asks of tiers; `memory` is what this process holds."""

    def __init__(self, *addresses: str | Path) -> None:
        self.addresses = tuple(map(str, addresses))
        self.memory: set[str] = set()

    def put(self, key: str) -> None:
        self.memory.add(key)
        for address in self.addresses:
            place_of(address).write(key, key.encode())

    def flush(self) -> None:
        pass

    def delete(self, keys: Iterable[str]) -> int:
        wanted = set(keys)
        self.memory -= wanted
        return sum(place_of(address).delete(wanted) for address in self.addresses)


class Book:
    """A ledger and where its blobs lie."""

    def __init__(self, memory: Memory, *addresses: str | Path) -> None:
        self.held = Held(*addresses)
        self.ledger = MemoryLedger(memory, tiers=self.held)

    def publish(self, name: str, *cubes: object, parent: str | None = None) -> str:
        """Bytes, then the row; bytes go if a source changed."""
        made = key(name, parent)
        self.held.put(made)
        try:
            self.ledger.record(
                made, form="kv-block", parent=parent, header={}, size=64,
                sources=[(cube.id, cube.version) for cube in cubes],
            )  # fmt: skip
        except StaleArtifact:
            self.held.delete([made])
            raise
        return made


def lying(address: str | Path) -> set[str]:
    """The keys that lie in a place."""
    return set(place_of(address).sizes())
