"""Every kernel agrees with the plain torch beside it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from mnemon.kv.decode.attention import attend_reference
from mnemon.kv.decode.chunks import Parts, cut
from mnemon.kv.decode.ends import Place, begin, end
from mnemon.kv.decode.fetch import fetch_reference, fetched
from mnemon.kv.decode.gemv import Norm, gated, linear, place_heads, project_qkv
from mnemon.kv.decode.merge import merge_reference
from mnemon.kv.decode.rope import Rotation
from mnemon.kv.decode.rows import LowBitRows, PackedRows, Tail, quantize

pytestmark = [
    pytest.mark.usefixtures("interpreter"),
    # Triton's interpreter converts arrays of one number to numbers.
    pytest.mark.filterwarnings("ignore:Conversion of an array:DeprecationWarning"),
]


def some_norm(size: int) -> Norm:
    return Norm(torch.randn(size), 1e-5)


def some_rotation(batch: int, size: int) -> Rotation:
    rotation = Rotation(
        torch.zeros(batch, size // 2),
        torch.zeros(batch, size // 2),
        0.3 ** torch.arange(size // 2),
        1.25,
    )
    rotation.turn(torch.arange(batch) + 40)
    return rotation


def some_tail(batch: int, heads: int, room: int, size: int, kind: torch.dtype) -> Tail:
    keys, values = torch.randn(2, batch, heads, room, size).to(kind)
    return Tail(keys, values, torch.tensor([room - 3], dtype=torch.int32))


def some_rows(counts: list[int], size: int, kind: torch.dtype) -> PackedRows:
    starts = torch.tensor([0, *counts], dtype=torch.int32).cumsum(0, dtype=torch.int32)
    keys, values = torch.randn(2, sum(counts), size).to(kind)
    return PackedRows(keys, values, starts)


@pytest.mark.parametrize("columns", [64, 32])
@pytest.mark.parametrize("parts", ["plain", "norm", "bias", "residual"])
def test_linear(parts: str, columns: int) -> None:
    from mnemon.kv.decode.kernels.launch import Tile, linear_kernel

    x, weight = torch.randn(2, 48), torch.randn(21, 48)
    norm = some_norm(48) if parts == "norm" else None
    bias = torch.randn(21) if parts == "bias" else None
    residual = torch.randn(2, 21) if parts == "residual" else None
    out, expected = torch.empty(2, 21), torch.empty(2, 21)
    linear_kernel(x, weight, out, norm, bias, residual, Tile(4, columns, 1))
    linear(x, weight, expected, norm=norm, bias=bias, residual=residual)
    assert_close(out, expected, rtol=1e-5, atol=1e-5)


def test_gated() -> None:
    from mnemon.kv.decode.kernels.launch import Tile, gated_kernel

    x, weight, norm = torch.randn(2, 64), torch.randn(2 * 21, 64), some_norm(64)
    out, expected = torch.empty(2, 21), torch.empty(2, 21)
    gated_kernel(x, weight, out, norm, Tile(8, 32, 1))
    gated(x, weight, expected, norm=norm)
    assert_close(out, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("has_bias", [False, True])
def test_qkv(has_bias: bool) -> None:
    from mnemon.kv.decode.kernels.launch import Tile, qkv_kernel

    x, weight, norm = torch.randn(2, 32), torch.randn(8 * 16, 32), some_norm(32)
    bias = torch.randn(8 * 16) if has_bias else None
    rotation = some_rotation(2, 16)
    queries, expected = torch.zeros(2, 4, 16), torch.zeros(2, 4, 16)
    tail = some_tail(2, 2, 8, 16, torch.float32)
    other = Tail(tail.keys.clone(), tail.values.clone(), tail.length)
    qkv_kernel(x, weight, queries, tail, rotation, norm, bias, Tile(8, 32, 1))
    project_qkv(x, weight, expected, other, rotation, norm=norm, bias=bias)
    assert_close(queries, expected, rtol=1e-5, atol=1e-5)
    assert_close(tail.keys, other.keys, rtol=1e-5, atol=1e-5)
    assert_close(tail.values, other.values, rtol=1e-5, atol=1e-5)


def test_heads_with_norms_of_their_own() -> None:
    from mnemon.kv.decode.kernels.launch import heads_kernel

    projected, norms = torch.randn(2, 8 * 16), (some_norm(16), some_norm(16))
    rotation = some_rotation(2, 16)
    queries, expected = torch.zeros(2, 4, 16), torch.zeros(2, 4, 16)
    tail = some_tail(2, 2, 8, 16, torch.float32)
    other = Tail(tail.keys.clone(), tail.values.clone(), tail.length)
    heads_kernel(projected, queries, tail, rotation, *norms)
    place_heads(projected, expected, other, rotation, norms)
    assert_close(queries, expected, rtol=1e-5, atol=1e-5)
    assert_close(tail.keys, other.keys, rtol=1e-5, atol=1e-5)
    assert_close(tail.values, other.values, rtol=1e-5, atol=1e-5)


def room(parts: Parts, group: int, size: int) -> tuple[Tensor, Tensor]:
    out = torch.full((parts.slots, group, size), float("nan"))
    return out, torch.full((parts.slots, group), float("nan"))


def expected_parts(
    queries: Tensor, rows: PackedRows | LowBitRows, tail: Tail, parts: Parts, group: int
) -> tuple[Tensor, Tensor]:
    out, lse = room(parts, group, queries.shape[-1])
    tails = parts.rows * parts.shares
    attend_reference(queries, rows, tail, parts.segments[0], tails, 0.2, out, lse)
    return out, lse


@pytest.mark.parametrize("group", [1, 4, 7])
def test_dense_attention_over_ragged_rows(group: int) -> None:
    from mnemon.kv.decode.kernels.launch import dense_kernel

    rows = some_rows([70, 0, 130, 5], 16, torch.float32)
    tail = some_tail(2, 2, 80, 16, torch.float32)
    parts = cut([rows.starts], 80, [12], 64)
    queries = torch.randn(2, 2 * group, 16)
    out, lse = room(parts, group, 16)
    dense_kernel(queries, rows, tail, parts.segments[0], 8, 0.2, out, lse)
    expected_out, expected_lse = expected_parts(queries, rows, tail, parts, group)
    assert_close(lse, expected_lse, rtol=1e-5, atol=1e-5)
    assert_close(out, expected_out, rtol=1e-5, atol=1e-5)


LOW_BITS = [(2, 2, 32), (4, 4, 32), (8, 8, 32), (2, 2, 64), (4, 4, 64), (4, 2, 32)]


@pytest.mark.parametrize(("bits", "value_bits", "group"), LOW_BITS)
def test_low_bit_attention_over_ragged_rows(bits: int, value_bits: int, group: int) -> None:
    from mnemon.kv.decode.kernels.launch import lowbit_kernel

    plain = some_rows([128, 0, 64], 128, torch.bfloat16)
    rows = quantize(plain, bits, group, value_bits=value_bits)
    tail = some_tail(1, 3, 20, 128, torch.float32)
    parts = cut([rows.starts], 20, [6], 64)
    queries = torch.randn(1, 12, 128)
    out, lse = room(parts, 4, 128)
    lowbit_kernel(queries, rows, tail, parts.segments[0], 3, 0.2, out, lse)
    expected_out, expected_lse = expected_parts(queries, rows, tail, parts, 4)
    assert_close(lse, expected_lse, rtol=1e-3, atol=1e-3)
    assert_close(out, expected_out, rtol=2e-2, atol=2e-2)


def test_merge() -> None:
    from mnemon.kv.decode.kernels.launch import merge_kernel

    starts = torch.tensor([0, 200, 200, 900], dtype=torch.int32)
    parts = cut([starts, starts // 2], 70, [12, 4], 64)
    out, lse = torch.randn(parts.slots, 2, 32), torch.randn(parts.slots, 2)
    lse[1] = float("-inf")
    context, expected = torch.empty(1, 6, 32), torch.empty(1, 6, 32)
    merge_kernel(out, lse, parts, context)
    merge_reference(out, lse, parts, expected)
    assert_close(context, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("keep", [False, True])
def test_fetching_pages(keep: bool) -> None:
    from mnemon.kv.decode.kernels.launch import fetch_kernel

    keys, values = torch.randn(2, 3, 5, 4, 16)
    chosen = torch.tensor([[4, 0], [1, 2], [3, 3]], dtype=torch.int32)
    rows, other = (fetched(keys, values, chosen, keep=keep) for _ in range(2))
    for page in (0, 1, 1):
        chosen[1, 0] = page
        fetch_kernel(rows)
        fetch_reference(other)
        assert_close(rows.plain.keys, other.plain.keys, rtol=0, atol=0)
        assert_close(rows.plain.values, other.plain.values, rtol=0, atol=0)
    if keep:
        assert_close(rows.held, chosen, rtol=0, atol=0)


def some_place() -> Place:
    return Place(
        torch.tensor([3, 1]),
        torch.tensor([70, 9]),
        torch.tensor([2], dtype=torch.int32),
        torch.zeros(2, 6, dtype=torch.int64),
    )


def test_the_beginning_of_a_step() -> None:
    from mnemon.kv.decode.kernels.launch import begin_kernel

    embedding, hidden, expected = torch.randn(5, 24), torch.empty(2, 24), torch.empty(2, 24)
    rotation, other = some_rotation(2, 16), some_rotation(2, 16)
    begin_kernel(embedding, some_place(), rotation, hidden)
    begin(embedding, some_place(), other, expected)
    assert_close(hidden, expected, rtol=0, atol=0)
    assert_close(rotation.cos, other.cos, rtol=1e-5, atol=1e-5)
    assert_close(rotation.sin, other.sin, rtol=1e-5, atol=1e-5)


def test_the_end_of_a_step() -> None:
    from mnemon.kv.decode.kernels.launch import end_kernel

    logits, place, other = torch.randn(2, 5000), some_place(), some_place()
    end_kernel(logits, place)
    end(logits, other)
    for one, expected in zip(vars(place).values(), vars(other).values(), strict=True):
        assert one.tolist() == expected.tolist()
