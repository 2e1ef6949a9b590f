"""Rows of any lengths, cut into chunks."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from mnemon.kv.decode.chunks import cut

LENGTHS = st.lists(st.integers(0, 2000), min_size=1, max_size=12)


@given(lengths=LENGTHS, tail=st.integers(1, 300), programs=st.integers(1, 64))
def test_chunks_cover_every_token_once_in_order(
    lengths: list[int], tail: int, programs: int
) -> None:
    starts = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)
    chunks = cut(starts, tail, programs, 32)
    seen = []
    for row in range(len(lengths)):
        here = slice(int(chunks.of_row[row]), int(chunks.of_row[row + 1]))
        assert set(chunks.row[here].tolist()) <= {row}
        edges = zip(chunks.first[here].tolist(), chunks.last[here].tolist(), strict=True)
        seen += [token for first, last in edges for token in range(first, last)]
        assert (chunks.first[here] - starts[row]).remainder(32).eq(0).all()
        assert here.stop - here.start <= chunks.most
    assert seen == list(range(sum(lengths)))
    assert chunks.slots == chunks.rows * chunks.shares + len(chunks.row)


@given(lengths=LENGTHS, programs=st.integers(16, 64))
def test_no_more_chunks_than_run_at_once(lengths: list[int], programs: int) -> None:
    starts = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)
    chunks = cut(starts, 64, programs, 32)
    assert len(chunks.row) <= max(programs - len(lengths), len(lengths))
