"""Rows of different lengths cut into chunks of about the same work, one for each program."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

# The most tokens of the tail that one program attends to.
SHARE = 64


@dataclass(frozen=True)
class Chunks:
    """Chunk c is tokens `first[c]:last[c]` of row `row[c]`, all int32 [C].

    The chunks of row r are `of_row[r]:of_row[r + 1]` (int32 [rows + 1]). Parts of attention stand
    in slots: `shares` for each row's tail first, then one for each chunk; no row has more than
    `most`.
    """

    row: Tensor
    first: Tensor
    last: Tensor
    of_row: Tensor
    shares: int
    most: int

    @property
    def rows(self) -> int:
        return len(self.of_row) - 1

    @property
    def slots(self) -> int:
        """Parts of attention, the tail's and the chunks'."""
        return self.rows * self.shares + len(self.row)


def cut(starts: Tensor, tail: int, programs: int, multiple: int) -> Chunks:
    """Chunks of a multiple of `multiple` tokens, so many that `programs` run at once or fewer.

    `tail` is the tail's room in tokens. A row that stores nothing has no chunk.
    """
    bounds = starts.tolist()
    rows = len(bounds) - 1
    shares = -(-tail // SHARE)
    size = _chunk_size(bounds, max(programs - rows * shares, rows), multiple)
    table: list[tuple[int, int, int]] = []
    of_row = [0]
    for row, (first, last) in enumerate(pairwise(bounds)):
        edges = range(first, last, size)
        table += [(row, edge, min(edge + size, last)) for edge in edges]
        of_row.append(len(table))
    columns = torch.tensor(table, dtype=torch.int32, device=starts.device).reshape(-1, 3)
    row_, first_, last_ = (columns[:, i].contiguous() for i in range(3))
    of_rows = torch.tensor(of_row, dtype=torch.int32, device=starts.device)
    most = max(last - first for first, last in pairwise(of_row))
    return Chunks(row_, first_, last_, of_rows, shares, most)


def _chunk_size(bounds: list[int], programs: int, multiple: int) -> int:
    lengths = [last - first for first, last in pairwise(bounds)]
    size = multiple * max(1, -(-sum(lengths) // (programs * multiple)))
    while sum(-(-length // size) for length in lengths) > programs and size < max(lengths):
        size += multiple
    return size
