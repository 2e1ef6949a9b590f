"""The tiers in memory: blobs as tensors, on the accelerator and on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon.kv.tiers.blob import Blob
from mnemon.kv.tiers.shelf import Entry, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mnemon.kv.tiers.counting import Counts
    from mnemon.kv.tiers.lane import Lane


class Held:
    """One of them.

    Attributes:
        name: `accelerator` or `host`. shelf: what it holds and how much it may. blobs: by key.
    """

    def __init__(self, name: str, budget: int) -> None:
        self.name = name
        self.shelf = Shelf(budget)
        self.blobs: dict[str, Blob] = {}

    def admits(self, blob: Blob, uses: int) -> bool:
        """Whether a blob that is not in this tier would be taken in."""
        seconds = blob.header.get("seconds") or 0.0
        return self.shelf.victims(blob.nbytes, seconds, uses) is not None

    def put(self, blob: Blob, uses: int) -> list[tuple[Blob, Entry]] | None:
        """Take a blob in; those that had to leave for it. None: it is not worth it."""
        self.drop(blob.key)
        seconds = blob.header.get("seconds") or 0.0
        victims = self.shelf.victims(blob.nbytes, seconds, uses)
        if victims is None:
            return None
        left = [(self.blobs.pop(key), self.shelf.entries[key]) for key in victims]
        for key in victims:
            self.shelf.evict(key)
        self.blobs[blob.key] = blob
        self.shelf.add(blob.key, blob.nbytes, seconds, uses)
        return left

    def drop(self, key: str) -> bool:
        """Let a blob go; whether it was there."""
        self.shelf.drop(key)
        return self.blobs.pop(key, None) is not None


class Memory:
    """Both, the accelerator first. Its owner lets one thread at a time in."""

    def __init__(self, accelerator: int, host: int, lane: Lane, counts: Counts) -> None:
        sizes = {"accelerator": accelerator, "host": host}
        self.tiers = [Held(name, size) for name, size in sizes.items() if size]
        self._lane, self._counts = lane, counts

    def find(self, key: str) -> tuple[str, Blob] | None:
        """The fastest tier that has a blob, and the blob."""
        for held in self.tiers:
            if key in held.blobs:
                return held.name, held.blobs[key]
        return None

    def keys(self) -> set[str]:
        """All that it holds."""
        return {key for held in self.tiers for key in held.blobs}

    @property
    def room(self) -> int:
        """Bytes that it may hold."""
        return sum(held.shelf.budget or 0 for held in self.tiers)

    def used(self, key: str) -> list[tuple[Blob, Entry]]:
        """Note a use, which may bring the blob up; what had to leave memory for it."""
        for place, held in enumerate(self.tiers):
            if key in held.blobs:
                blob, uses = held.blobs[key], held.shelf.used(key)
                if place == 0 or not self.tiers[0].admits(blob, uses):
                    return []
                left = self.tiers[0].put(self._lane.settled(blob), uses)
                held.drop(key)
                self._counts.add("promoted")
                return self._down(left or [], 1)
        return []

    def keep(self, blob: Blob, uses: int) -> list[tuple[Blob, Entry]]:
        """Take a blob in; what had to leave memory for it (the blob itself, if it had to)."""
        self.drop([blob.key])
        return self._down([(blob, Entry(blob.nbytes, None, uses))], 0)

    def drop(self, keys: Iterable[str]) -> set[str]:
        """Let blobs go; which of them were there."""
        return {key for key in keys for held in self.tiers if held.drop(key)}

    def _down(self, blobs: list[tuple[Blob, Entry]], first: int) -> list[tuple[Blob, Entry]]:
        """Offer blobs to the tiers from `first` on; what no tier holds any more."""
        for held in self.tiers[first:]:
            to = self._lane.settled if held.name == "accelerator" else self._lane.hosted
            left: list[tuple[Blob, Entry]] = []
            for blob, entry in blobs:
                admitted = held.admits(blob, entry.uses)
                out = held.put(to(blob), entry.uses) if admitted else None
                left += [(blob, entry)] if out is None else out
            blobs = left
        return blobs
