"""Rows of different lengths cut into chunks of about the same work, one for each program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

# The most tokens of the tail that one program attends to.
SHARE = 64


@dataclass(frozen=True)
class Chunks:
    """Of one segment: chunk c is tokens `first[c]:last[c]` of row `row[c]`, its part goes to slot
    `slot[c]`; all int32 [C].
    """

    row: Tensor
    first: Tensor
    last: Tensor
    slot: Tensor


@dataclass(frozen=True)
class Parts:
    """All parts of one layer's attention, those of the tail and those of the stored segments.

    The first `rows * shares` slots are the tail's, `shares` for each row. Then come the chunks of
    row after row: those of row r, of all `segments`, from `rows * shares + of_row[r]` to
    `rows * shares + of_row[r + 1]` (int32 [rows + 1]), at most `most`.
    """

    segments: tuple[Chunks, ...]
    of_row: Tensor
    shares: int
    most: int
    slots: int

    @property
    def rows(self) -> int:
        """B * Hkv."""
        return len(self.of_row) - 1


def cut(starts: Sequence[Tensor], tail: int, programs: Sequence[int], multiple: int) -> Parts:
    """Chunks of every segment, of a multiple of `multiple` tokens each.

    `starts` int32 [rows + 1] of each segment, and how many `programs` for it run at once, which
    the first shares with the tail; `tail` is the tail's room in tokens. A row that stores nothing
    has no chunk.
    """
    bounds = [one.tolist() for one in starts]
    rows, shares = len(bounds[0]) - 1, -(-tail // SHARE)
    tails = [rows * shares, *[0] * (len(bounds) - 1)]
    sizes = [
        _chunk_size(bound, max(count - taken, rows), multiple)
        for bound, count, taken in zip(bounds, programs, tails, strict=True)
    ]
    tables: list[list[tuple[int, int, int, int]]] = [[] for _ in bounds]
    slot, of_row = rows * shares, [0]
    for row in range(rows):
        for table, bound, size in zip(tables, bounds, sizes, strict=True):
            last = bound[row + 1]
            for edge in range(bound[row], last, size):
                table.append((row, edge, min(edge + size, last), slot))
                slot += 1
        of_row.append(slot - rows * shares)
    device = starts[0].device
    segments = tuple(_columns(table, device) for table in tables)
    most = max(last - first for first, last in pairwise(of_row))
    of_rows = torch.tensor(of_row, dtype=torch.int32, device=device)
    return Parts(segments, of_rows, shares, most, slot)


def _columns(table: list[tuple[int, int, int, int]], device: torch.device) -> Chunks:
    columns = torch.tensor(table, dtype=torch.int32, device=device).reshape(-1, 4)
    return Chunks(*(columns[:, i].contiguous() for i in range(4)))


def _chunk_size(bounds: list[int], programs: int, multiple: int) -> int:
    lengths = [last - first for first, last in pairwise(bounds)]
    size = multiple * max(1, -(-sum(lengths) // (programs * multiple)))
    while sum(-(-length // size) for length in lengths) > programs and size < max(lengths):
        size += multiple
    return size
