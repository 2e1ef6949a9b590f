"""Packed rows, low-bit codes and rotations: what holds for all inputs."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kv.models import tiny_llama

from mnemon.kv import codes, packed, seam
from mnemon.kv.compress.kivi import KIVI
from mnemon.kv.stored import empty_like, stack, without
from mnemon.kv.view import LayerView

ROWS = st.lists(st.integers(0, 5), min_size=4, max_size=4)


def _packed(lengths: list[int], first: int) -> tuple[torch.Tensor, torch.Tensor]:
    total = sum(lengths)
    return torch.arange(first, first + total).float()[:, None], torch.tensor(lengths).reshape(2, 2)


def _rows(tensor: torch.Tensor, lengths: torch.Tensor) -> list[list[float]]:
    return [one.flatten().tolist() for one in tensor.split(lengths.flatten().tolist())]


@given(ROWS, ROWS)
def test_joined_rows_are_the_rows_joined(one: list[int], two: list[int]) -> None:
    a, a_lengths = _packed(one, 0)
    b, b_lengths = _packed(two, 100)
    both = packed.concat([a, b], [a_lengths, b_lengths])
    wanted = [x + y for x, y in zip(_rows(a, a_lengths), _rows(b, b_lengths), strict=True)]
    assert _rows(both, a_lengths + b_lengths) == wanted


@given(ROWS, st.lists(st.integers(0, 1), min_size=1, max_size=4))
def test_sequences_are_picked_with_their_rows(lengths: list[int], picked: list[int]) -> None:
    tensor, sizes = _packed(lengths, 0)
    found = packed.select_sequences(tensor, sizes, torch.tensor(picked))
    rows = _rows(tensor, sizes)
    wanted = [row for one in picked for row in rows[2 * one : 2 * one + 2]]
    assert _rows(found, sizes[picked]) == wanted


@given(st.sampled_from([1, 2, 4, 8]), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_bits_come_back_and_lie_plane_by_plane(bits: int, rows: int, seed: int) -> None:
    maker = torch.Generator().manual_seed(seed)
    values = torch.randint(1 << bits, (rows, 16), generator=maker, dtype=torch.uint8)
    data = codes.pack_bits(values, bits)
    assert data.shape == (rows, 16 * bits // 8)
    assert torch.equal(codes.unpack_bits(data, bits), values)
    assert torch.equal(data & ((1 << bits) - 1), values[:, : data.shape[1]])


@settings(deadline=None)
@given(st.sampled_from([2, 4, 8]), st.integers(0, 2**32 - 1))
def test_quantizing_is_off_by_half_a_step_at_most(bits: int, seed: int) -> None:
    values = torch.randn(5, 32, generator=torch.Generator().manual_seed(seed))
    found, scale, zero = codes.quantize(values, bits, -1)
    error = (codes.dequantize(found, scale, zero) - values).abs()
    assert bool((error <= scale * 0.5 + 1e-5).all())


def _kivi_store(batch: int) -> tuple[LayerView, object]:
    keys, values = torch.randn(batch, 2, 64, 16), torch.randn(batch, 2, 64, 16)
    view = LayerView(0, 1, 0, keys, values, 0, 0, 64, 0.25)
    return view, KIVI(bits=8).compress(view, torch.ones(batch, 2, 64, dtype=torch.bool))[0]


def test_a_store_without_some_sequences_keeps_the_others_exactly() -> None:
    _, store = _kivi_store(3)
    left = without(store, [1])  # type: ignore[arg-type]
    assert left.lengths.tolist() == [[64, 64], [0, 0], [64, 64]]
    wanted = store.sequences(torch.tensor([0, 2])).read()  # type: ignore[attr-defined]
    assert torch.equal(left.read().keys, wanted.keys)
    again = stack([left.sequences(torch.tensor([0])), empty_like(left, 2)])
    assert again.lengths.sum(1).tolist() == [128, 0, 0]


def test_bytes_of_views_are_those_of_what_they_hold_alive() -> None:
    whole = torch.zeros(1000)
    assert packed.storage_bytes([whole[:10], whole[5:20]]) == 4000


def test_rotations_undo_each_other_and_add_up() -> None:
    rope = seam.rope(tiny_llama(), 0)
    assert rope is not None
    heads = torch.randn(2, 3, 7, 16)
    near = torch.arange(7)[None].expand(2, -1)
    turned = rope.rotate(heads, near)
    assert torch.allclose(rope.unrotate(turned, near), heads, atol=1e-5)
    far = torch.full((2, 3, 7), 100)
    assert torch.allclose(rope.shift(turned, far), rope.rotate(heads, near + 100), atol=1e-4)
    angles = rope.frequencies(heads.device)
    assert abs(float(angles[0]) - 1.0) < 1e-5 and bool((angles[1:] < angles[:-1]).all())
