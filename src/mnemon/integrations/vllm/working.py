"""A worker's side: blocks into pages before a step, whole blocks out of pages after it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput, StaleArtifact
from mnemon.integrations.vllm import pages
from mnemon.integrations.vllm.transfers import Load, Piece, Save, Transfers
from mnemon.kv.reuse.block import Block
from mnemon.kv.reuse.ledger import Ledger
from mnemon.kv.reuse.packing import blob_of, block_of
from mnemon.kv.tiers import Tiers

if TYPE_CHECKING:
    from torch import Tensor

_log = logging.getLogger(__name__)


@dataclass
class Working:
    """What stands in a worker's process.

    Attributes:
        rank: of the worker among the tensor-parallel ones. block: tokens of vLLM's blocks.
        model: its name, for the headers of blobs.
    """

    tiers: Tiers
    ledger: Ledger | None
    rank: int
    block: int
    model: str
    layers: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._failed: set[int] = set()
        self._began = time.perf_counter()

    def register(self, layers: Mapping[str, Tensor]) -> None:
        """Take note of the pages of every layer, in the order of their numbers."""
        self.layers = {name: layers[name] for name in sorted(layers, key=_number)}
        for one in self.layers.values():
            pages.split(one, self.block)

    def load(self, told: Transfers) -> None:
        """Put kept blocks into their pages; what cannot be is told by `failed`."""
        self._failed = set()
        for one in told.loads:
            self._load(one)
        self._began = time.perf_counter()

    def save(self, told: Transfers) -> None:
        """Keep whole blocks; none of a request whose pages failed to load."""
        saves = [one for one in told.saves if not self._failed.intersection(one.pages)]
        if not saves:
            return
        self._synchronize()
        each = (time.perf_counter() - self._began) / max(1, told.tokens)
        for one in saves:
            self._save(one, each)

    def failed(self) -> set[int]:
        """Ids of vLLM's blocks that the last step could not load."""
        return set(self._failed)

    def _load(self, one: Load) -> None:
        for place, piece in enumerate(one.pieces):
            block = self._kept(piece)
            skipped = max(0, one.begin - piece.start) // self.block
            if block is None:
                left = [page for later in one.pieces[place + 1 :] for page in later.pages]
                self._failed.update(piece.pages[skipped:], left)
                _log.warning("request %s: %s cannot be loaded", one.request, piece.keys[0][:16])
                return
            rest = block.part(skipped * self.block, len(block))
            for layer, keys, values in zip(
                self.layers.values(), rest.keys, rest.values, strict=True
            ):
                pages.scatter(layer, self.block, piece.pages[skipped:], keys, values)

    def _kept(self, piece: Piece) -> Block | None:
        blob = self.tiers.get(piece.keys[self.rank])
        if blob is None:
            return None
        block = block_of(blob)
        whole = block.tokens.tolist() == list(piece.tokens) and len(block.keys) == len(self.layers)
        return block if whole else None

    def _save(self, one: Save, seconds: float) -> None:
        keys = [piece.keys[self.rank] for piece in one.pieces]
        known = set(keys) if self.ledger is None else self.ledger.fresh(keys)
        put: dict[str, tuple[Piece, int]] = {}
        for piece, key in zip(one.pieces, keys, strict=True):
            if key not in known or self.tiers.where(key) is None:
                blob = blob_of(self._block(piece), key, form="kv-block", model=self.model)
                self.tiers.put(blob, seconds=seconds * len(piece.tokens))
                put[key] = (piece, blob.nbytes)
        if self.ledger is not None:
            self._record(self.ledger, one, put)

    def _record(self, ledger: Ledger, one: Save, put: dict[str, tuple[Piece, int]]) -> None:
        """Tell the ledger of what was put, in the order of the chain."""
        left = list(put)
        for key, (piece, size) in put.items():
            parent = piece.parents[self.rank] if piece.parents else None
            try:
                ledger.record(
                    key, form="kv-block", parent=parent, sources=one.sources,
                    header={"model": self.model}, size=size,
                )  # fmt: skip
            except StaleArtifact as error:
                self.tiers.delete(left)
                _log.info("request %s: not kept: %s", one.request, error)
                return
            left.remove(key)

    def _block(self, piece: Piece) -> Block:
        if not self.layers:
            raise InvalidInput(
                "vLLM has not registered its KV caches: register_kv_caches comes first"
            )
        held = [pages.gather(one, self.block, piece.pages) for one in self.layers.values()]
        return Block(
            torch.tensor(piece.tokens, dtype=torch.int32),
            tuple(keys for keys, _ in held),
            tuple(values for _, values in held),
            piece.start,
        ).to("cpu")

    def _synchronize(self) -> None:
        device = next(iter(self.layers.values())).device if self.layers else None
        if device is not None and device.type == "cuda":
            torch.cuda.synchronize(device)


def _number(name: str) -> tuple[int, str]:
    found = re.search(r"\d+", name)
    return (int(found.group()) if found else -1, name)
