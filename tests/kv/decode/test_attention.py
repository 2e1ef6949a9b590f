"""Attention in parts is attention."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from mnemon.errors import InvalidInput
from mnemon.kv.decode.attention import Rows, attend, attend_segment, refuse_shape
from mnemon.kv.decode.chunks import cut
from mnemon.kv.decode.fetch import fetch, fetched
from mnemon.kv.decode.merge import merge, merge_parts
from mnemon.kv.decode.rows import PackedRows, Tail, dequantize, pack, quantize


@given(seed=st.integers(0, 50), cuts=st.lists(st.integers(0, 40), max_size=4))
def test_merging_any_cuts_gives_the_whole(seed: int, cuts: list[int]) -> None:
    generator = torch.Generator().manual_seed(seed)
    keys, values = torch.randn(2, 40, 16, generator=generator)
    queries = torch.randn(3, 16, generator=generator)
    edges = sorted({0, 40, *cuts})
    parts = [
        attend_segment(queries, keys[first:last], values[first:last], 0.3)
        for first, last in [*pairwise(edges), (7, 7)]
    ]
    out, lse = merge_parts(torch.stack([p[0] for p in parts]), torch.stack([p[1] for p in parts]))
    whole_out, whole_lse = attend_segment(queries, keys, values, 0.3)
    assert_close(out, whole_out, rtol=1e-5, atol=1e-5)
    assert_close(lse, whole_lse, rtol=1e-5, atol=1e-5)


def attended(segments: list[Rows], tail: Tail, queries: torch.Tensor) -> torch.Tensor:
    starts = [one.starts for one in segments]
    parts = cut(starts, tail.keys.shape[2], [12] * len(segments), 32)
    group = queries.shape[1] * len(queries) // parts.rows
    out = torch.full((parts.slots, group, queries.shape[-1]), float("nan"))
    lse, context = torch.full((parts.slots, group), float("nan")), torch.empty_like(queries)
    attend(queries, segments, tail, parts, 0.25, out, lse)
    merge(out, lse, parts, context)
    return context


def test_ragged_rows_and_the_tail_are_one_sequence() -> None:
    keys, values = torch.randn(2, 90, 16)
    rows = PackedRows(keys, values, torch.tensor([0, 70, 70, 75, 90], dtype=torch.int32))
    tail = Tail(*torch.randn(2, 2, 2, 100, 16), torch.tensor([65], dtype=torch.int32))
    queries = torch.randn(2, 4, 16)
    context = attended([rows], tail, queries).view(4, 2, 16)
    for row in range(4):
        here = slice(int(rows.starts[row]), int(rows.starts[row + 1]))
        recent = [one.flatten(0, 1)[row, :66] for one in (tail.keys, tail.values)]
        k, v = torch.cat([keys[here], recent[0]]), torch.cat([values[here], recent[1]])
        expected, _ = attend_segment(queries.view(4, 2, 16)[row], k, v, 0.25)
        assert_close(context[row], expected, rtol=1e-5, atol=1e-5)


def test_segments_of_different_forms_are_one_sequence() -> None:
    keys, values = torch.randn(2, 96, 32)
    plain = PackedRows(keys[:32], values[:32], torch.tensor([0, 20, 32], dtype=torch.int32))
    low = PackedRows(keys[32:], values[32:], torch.tensor([0, 0, 64], dtype=torch.int32))
    coded = quantize(low, 4, value_bits=2)
    tail = Tail(*torch.randn(2, 1, 2, 4, 32), torch.tensor([1], dtype=torch.int32))
    queries = torch.randn(1, 4, 32)
    context = attended([plain, coded], tail, queries)
    assert_close(context, attended([plain, dequantize(coded)], tail, queries))
    both = PackedRows(
        torch.cat([plain.keys, dequantize(coded).keys]),
        torch.cat([plain.values, dequantize(coded).values]),
        torch.tensor([0, 20, 96], dtype=torch.int32),
    )
    assert_close(context, attended([both], tail, queries), rtol=1e-5, atol=1e-5)


def test_fetched_pages_are_all_that_is_attended_to() -> None:
    keys, values = torch.randn(2, 2, 5, 8, 16)
    chosen = torch.tensor([[4, 1], [0, 3]], dtype=torch.int32)
    tail = Tail(*torch.randn(2, 1, 2, 4, 16), torch.tensor([2], dtype=torch.int32))
    queries = torch.randn(1, 4, 16)
    picked = [torch.stack([one[0, [4, 1]], one[1, [0, 3]]]) for one in (keys, values)]
    plain = pack(*(one.reshape(1, 2, 16, 16) for one in picked))
    rows = fetched(keys, values, chosen)
    fetch(rows)
    context = attended([rows], tail, queries)
    assert_close(context, attended([plain], tail, queries), rtol=0, atol=0)


def test_shapes_that_no_kernel_reads_are_refused() -> None:
    keys = torch.randn(1, 1, 64, 64)
    rows = pack(keys, keys)
    refuse_shape(rows, 64, 4)
    with pytest.raises(InvalidInput, match="64, 128 or 256"):
        refuse_shape(rows, 80, 4)
    with pytest.raises(InvalidInput, match="keep these rows plain"):
        refuse_shape(quantize(rows, 4), 64, 4)
    keys = torch.randn(1, 1, 64, 128, dtype=torch.float16)
    with pytest.raises(InvalidInput, match=r"with torch\.float16"):
        refuse_shape(quantize(pack(keys, keys), 4), 128, 4)
    refuse_shape(quantize(pack(keys.bfloat16(), keys.bfloat16()), 4), 128, 4)
