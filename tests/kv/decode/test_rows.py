"""Stored rows: packing, codes, and what they stand for."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from mnemon.errors import InvalidInput
from mnemon.kv.decode.rows import PackedRows, dequantize, pack, quantize


def test_packing_contiguous_keys_copies_nothing() -> None:
    keys, values = torch.randn(2, 2, 3, 10, 8)
    rows = pack(keys, values)
    assert rows.keys.data_ptr() == keys.data_ptr()
    assert rows.starts.tolist() == [0, 10, 20, 30, 40, 50, 60]
    assert rows.keys[20:30].equal(keys[0, 2])


@pytest.mark.parametrize(("bits", "group"), [(2, 32), (4, 32), (8, 32), (4, 64)])
def test_low_bits_are_off_by_half_a_step_at_most(bits: int, group: int) -> None:
    starts = torch.tensor([0, 64, 64, 192], dtype=torch.int32)
    rows = PackedRows(*torch.randn(2, 192, 64), starts)
    low = quantize(rows, bits, group)
    assert low.key_codes.shape == low.value_codes.shape == (192, 64 * bits // 8)
    plain = dequantize(low)
    half = low.key_scale.repeat_interleave(group, 0) / 2
    assert ((plain.keys - rows.keys).abs() <= half + 1e-5).all()
    half = low.value_scale.repeat_interleave(group, 1) / 2
    assert ((plain.values - rows.values).abs() <= half + 1e-5).all()


def test_equal_numbers_come_back_as_they_are() -> None:
    rows = PackedRows(
        torch.full((32, 32), 3.0), torch.full((32, 32), -1.0), torch.tensor([0, 32]).int()
    )
    plain = dequantize(quantize(rows, 2))
    assert_close(plain.keys, rows.keys)
    assert_close(plain.values, rows.values)


@pytest.mark.parametrize(("tokens", "bits"), [(40, 2), (64, 3)])
def test_what_does_not_fit_is_refused(tokens: int, bits: int) -> None:
    keys = torch.randn(1, 2, tokens, 32)
    with pytest.raises(InvalidInput, match="multiples of the group"):
        quantize(pack(keys, keys), bits)


def test_bytes_are_those_that_are_read() -> None:
    keys = torch.randn(1, 1, 64, 128, dtype=torch.bfloat16)
    rows = pack(keys, keys.clone())
    assert rows.nbytes == 2 * 64 * 128 * 2
    # Codes, and a scale and a zero of two bytes for every 32 numbers.
    assert quantize(rows, 2).nbytes == 2 * 64 * 128 // 4 + 2 * 64 * 128 // 32 * 4
