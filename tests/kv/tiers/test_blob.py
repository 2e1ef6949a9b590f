"""A blob as bytes: itself again, or damaged; never something else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from tests.kv.tiers.blobs import blob, key_of, same

from mnemon.errors import DamagedBlob
from mnemon.kv.tiers.blob import Blob, decode, encode

ONE = blob(1, tokens=2, layers=2)
DATA = bytes(encode(ONE))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.bool])
def test_every_type_comes_back(dtype: torch.dtype) -> None:
    one = Blob(
        key_of(1),
        {"form": "x", "sha256": "0" * 64, "nested": {"a": [1]}},
        {
            "keys.0": torch.randn(2, 3, 4).to(dtype),
            "none": torch.zeros(0, 4, dtype=dtype),
            "across": torch.arange(12, dtype=torch.uint8).reshape(3, 4).T,
        },
    )
    back = decode(encode(one), one.key)
    assert same(back, one) and back.header == one.header
    assert [back.tensors[name].dtype for name in one.tensors] == [dtype, dtype, torch.uint8]


def test_it_is_a_safetensors_file(tmp_path: Path) -> None:
    (tmp_path / "one.safetensors").write_bytes(DATA)
    with safe_open(tmp_path / "one.safetensors", "pt") as file:
        assert set(file.keys()) == set(ONE.tensors)
        assert torch.equal(file.get_tensor("values.1"), ONE.tensors["values.1"])


@given(place=st.integers(0, len(DATA) - 1), flip=st.integers(1, 255))
def test_any_flipped_byte_is_found(place: int, flip: int) -> None:
    damaged = bytearray(DATA)
    damaged[place] ^= flip
    with pytest.raises(DamagedBlob):
        decode(damaged, ONE.key)


@given(length=st.integers(0, len(DATA) - 1))
def test_any_truncation_is_found(length: int) -> None:
    with pytest.raises(DamagedBlob):
        decode(DATA[:length], ONE.key)


def test_more_bytes_or_another_key_are_found() -> None:
    with pytest.raises(DamagedBlob, match="bytes"):
        decode(DATA + b"\0", ONE.key)
    with pytest.raises(DamagedBlob, match="another key"):
        decode(DATA, key_of(2))
