"""Rows of any lengths, in any segments, cut into chunks."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from mnemon.kv.decode.chunks import cut

LENGTHS = st.lists(st.integers(0, 2000), min_size=1, max_size=12)


def starts_of(lengths: list[int]) -> torch.Tensor:
    return torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)


@given(
    lengths=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 300)), min_size=1, max_size=8),
    tail=st.integers(1, 300),
    programs=st.integers(1, 64),
)
def test_chunks_cover_every_token_once_and_fill_their_rows_slots(
    lengths: list[tuple[int, int]], tail: int, programs: int
) -> None:
    starts = [starts_of([pair[i] for pair in lengths]) for i in range(2)]
    parts = cut(starts, tail, [programs, programs], 32)
    base, slots = parts.rows * parts.shares, []
    for begins, chunks in zip(starts, parts.segments, strict=True):
        seen = []
        columns = (chunks.row, chunks.first, chunks.last, chunks.slot)
        for row, first, last, slot in zip(*(one.tolist() for one in columns), strict=True):
            assert begins[row] <= first < last <= begins[row + 1]
            assert (first - int(begins[row])) % 32 == 0
            assert parts.of_row[row] <= slot - base < parts.of_row[row + 1]
            seen += range(first, last)
            slots.append(slot)
        assert seen == list(range(int(begins[-1])))
    assert sorted(slots) == list(range(base, parts.slots))
    assert parts.most == (parts.of_row[1:] - parts.of_row[:-1]).max()


@given(lengths=LENGTHS, programs=st.integers(16, 64))
def test_no_more_chunks_than_run_at_once(lengths: list[int], programs: int) -> None:
    parts = cut([starts_of(lengths)], 64, [programs], 32)
    assert len(parts.segments[0].row) <= max(programs - len(lengths), len(lengths))
