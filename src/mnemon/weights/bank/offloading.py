"""Tables that stay in host memory or in a file: only the rows that are touched are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mnemon.errors import InvalidInput
from mnemon.weights.bank.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnemon.weights.layer import Bank

_TYPES = {"F32": np.float32, "F16": np.float16}


@dataclass
class Traffic:
    """What was read of tables since they were offloaded.

    Attributes:
        rows, bytes: that were read. hits, misses: different rows of a lookup that had been planned
            or were there, or that nobody had asked for before.
    """

    rows: int = 0
    bytes: int = 0
    hits: int = 0
    misses: int = 0

    @property
    def hit_rate(self) -> float:
        """Hits of all; 0 if nothing was looked up."""
        return self.hits / max(1, self.hits + self.misses)


class _Held(NamedTuple):
    numbers: NDArray[np.int64]
    rows: NDArray[np.generic]


class Offloaded(nn.Module):
    """A table `[N, W]` elsewhere; it gives what a resident one gives, bit for bit, and no gradient.

    It holds the rows of the last lookup, or of the last `prefetch`.
    """

    digest: Tensor

    def __init__(self, source: NDArray[np.generic], digest: bytes = b"") -> None:
        super().__init__()
        self._source = source
        none = np.zeros(0, np.int64)
        self._held = _Held(none, np.array(source[:0]))
        self._ahead: Future[_Held] | None = None
        self.traffic = Traffic()
        # What is far away is part of the model's fingerprint by this.
        told = torch.frombuffer(bytearray(digest or b"\0"), dtype=torch.uint8)
        self.register_buffer("digest", told, persistent=False)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self._source.itemsize * self._source.shape[1]

    def prefetch(self, rows: Tensor, pool: ThreadPoolExecutor) -> None:
        """Begin to read these rows `[...]`; others are let go."""
        held, wanted = self._held, np.unique(rows.cpu().numpy())
        self._ahead = pool.submit(self._taken, held, wanted)

    def forward(self, rows: Tensor) -> Tensor:
        """The rows of these numbers `[...]`, as `[..., W]` on their device."""
        if self._ahead is not None:
            self._held, self._ahead = self._ahead.result(), None
        wanted, place = np.unique(rows.cpu().numpy(), return_inverse=True)
        here = int(np.isin(wanted, self._held.numbers).sum())
        self.traffic.hits += here
        self.traffic.misses += len(wanted) - here
        if here < len(wanted):
            self._held = self._taken(self._held, wanted)
        at = np.searchsorted(self._held.numbers, wanted)[place.reshape(-1)]
        found = torch.from_numpy(np.array(self._held.rows[at]))
        return found.to(rows.device).reshape(*rows.shape, -1)

    def _taken(self, held: _Held, wanted: NDArray[np.int64]) -> _Held:
        there = np.isin(wanted, held.numbers)
        rows = np.empty((len(wanted), self._source.shape[1]), self._source.dtype)
        rows[there] = held.rows[np.searchsorted(held.numbers, wanted[there])]
        rows[~there] = self._source[wanted[~there]]
        self.traffic.rows += int((~there).sum())
        self.traffic.bytes += int((~there).sum()) * self.row_bytes
        return _Held(wanted, rows)


def offload(bank: Bank) -> None:
    """Move a bank's tables into host memory; they are not trained there.

    Raises:
        InvalidInput: they are neither float32 nor float16.
    """
    for name, table in bank.tables.items():
        if isinstance(table, Table):
            if table.weight.dtype not in (torch.float32, torch.float16):
                raise InvalidInput(f"tables in {table.weight.dtype} cannot go: make them float32")
            rows = table.weight.detach().cpu().numpy()
            bank.tables[name] = Offloaded(rows, _told(rows))


def offloaded(bank: Bank) -> Iterator[tuple[str, Offloaded]]:
    """The tables of a bank that are elsewhere, by name."""
    for name, table in bank.tables.items():
        if isinstance(table, Offloaded):
            yield name, table


def traffic(bank: Bank) -> Traffic:
    """What was read of all tables of a bank."""
    total = Traffic()
    for _, table in offloaded(bank):
        total.rows += table.traffic.rows
        total.bytes += table.traffic.bytes
        total.hits += table.traffic.hits
        total.misses += table.traffic.misses
    return total


def mapped(path: Path, name: str) -> NDArray[np.generic]:
    """A tensor `[N, W]` of a safetensors file as a memory map: nothing is read yet.

    Raises:
        InvalidInput: there is none of that name, or of a type that is not known here.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        told = json.loads(file.read(size)).get(name)
    if told is None or told["dtype"] not in _TYPES or len(told["shape"]) != 2:
        raise InvalidInput(
            f"{path} has no table {name!r} of {' or '.join(_TYPES)}: save the bank again"
        )
    start = 8 + size + told["data_offsets"][0]
    shape: tuple[int, int] = tuple(told["shape"])
    return np.memmap(path, _TYPES[told["dtype"]], "r", start, shape)


def _told(rows: NDArray[np.generic]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).digest()
