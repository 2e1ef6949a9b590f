"""What the tests of reuse do with prompts, and a place and a ledger that do what a test says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from tests.kv.models import forward
from torch import Tensor
from transformers import PreTrainedModel

from mnemon.errors import StaleArtifact
from mnemon.kv import KVCache
from mnemon.kv.reuse.conversation import last_only
from mnemon.kv.tiers.blob import Blob, DamagedBlob, decode, encode


def recomputed(model: PreTrainedModel, tokens: Sequence[int], *splits: int) -> Tensor:
    """Logits `[V]` after a prompt that is computed whole, in passes that end at the splits.

    Only the last token goes through the output layer: products of other shapes round otherwise.
    """
    cache = KVCache(model, "recency", 1.0)
    ends = [*splits, len(tokens)]
    for begin, end in zip([0, *splits], ends, strict=True):
        ids = torch.tensor([tokens[begin:end]])
        logits = forward(model, ids, cache, **last_only(model))
    return logits[0, -1]


class Shelf:
    """A place with the interface of `Tiers`: encoded blobs in a dictionary."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []

    def where(self, key: str) -> str | None:
        return "host" if key in self.blobs else None

    def prefetch(self, keys: Sequence[str]) -> None:
        self.asked += keys

    def get(self, key: str) -> Blob | None:
        try:
            return decode(self.blobs[key], key)
        except DamagedBlob:
            del self.blobs[key]
            return None

    def put(self, blob: Blob, *, seconds: float) -> None:
        assert seconds > 0
        self.blobs[blob.key] = encode(blob)

    def delete(self, keys: Iterable[str]) -> int:
        return sum(self.blobs.pop(key, None) is not None for key in keys)

    def damage(self, key: str) -> None:
        data = bytearray(self.blobs[key])
        data[len(data) // 2] ^= 1
        self.blobs[key] = bytes(data)


class Versions:
    """A ledger over cubes whose current versions a test sets: `cubes[id] = version`."""

    def __init__(self) -> None:
        self.cubes: dict[str, int] = {}
        self.records: dict[str, tuple[str | None, list[tuple[str, int]]]] = {}

    def fresh(self, keys: Sequence[str]) -> set[str]:
        return {key for key in keys if self._fresh(key)}

    def record(
        self, key: str, *, form: str, parent: str | None, sources: Any,
        header: Mapping[str, Any], size: int,
    ) -> None:  # fmt: skip
        self.records[key] = (parent, list(sources))
        if not self._fresh(key):
            del self.records[key]
            raise StaleArtifact(key, tuple(cube for cube, _ in sources))

    def _fresh(self, key: str) -> bool:
        if key not in self.records:
            return False
        parent, sources = self.records[key]
        return all(self.cubes.get(cube) == version for cube, version in sources) and (
            parent is None or self._fresh(parent)
        )
