"""Blobs that are stored in low bits when they are cold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.kv.tiers.blobs import blob, key_of, same

from mnemon.errors import InvalidInput
from mnemon.kv.tiers import Blob, CostModel, Tiers


def tiers(**options: Any) -> Tiers:
    return Tiers(**{"host": 0, "costs": CostModel(skips=False), **options})


def read_back(folder: Path, one: Blob, quantize: str) -> Blob:
    with tiers(disk=folder, quantize=quantize) as some:
        some.put(one, seconds=1.0)
        some.flush()
        found = some.get(one.key)
    assert found is not None
    return found


@pytest.mark.parametrize(("bits", "error"), [(8, 0.02), (4, 0.3)])
@pytest.mark.parametrize("tokens", [32, 75, 9])
def test_keys_and_values_are_close_and_the_rest_is_exact(
    tmp_path: Path, bits: int, error: float, tokens: int
) -> None:
    one = blob(1, tokens=tokens)
    found = read_back(tmp_path, one, f"kivi(bits={bits})")
    assert found.tensors.keys() == one.tensors.keys()
    assert torch.equal(found.tensors["tokens"], one.tensors["tokens"])
    whole = tokens // 32 * 32
    for name in ("keys.0", "values.2"):
        got, wanted = found.tensors[name], one.tensors[name]
        assert got.dtype == wanted.dtype and got.shape == wanted.shape
        assert (got - wanted).abs().max() < error
        assert torch.equal(got[:, whole:], wanted[:, whole:]), "the rest of a group stays"
        assert whole == 0 or not torch.equal(got, wanted)
    assert ("quantized" in found.header) == (whole > 0)


def test_other_forms_of_storage_go_too(tmp_path: Path) -> None:
    one = blob(1)
    found = read_back(tmp_path, one, "bfp-reorder")
    wanted = one.tensors["keys.1"]
    assert 0 < (found.tensors["keys.1"] - wanted).abs().mean() < 0.2 * wanted.abs().mean()


def test_it_takes_less_room(tmp_path: Path) -> None:
    one = blob(1, tokens=640)
    read_back(tmp_path / "cold", one, "kivi(bits=4)")
    with tiers(disk=tmp_path / "exact") as some:
        some.put(one, seconds=1.0)
    cold, exact = (
        sum(file.stat().st_size for file in (tmp_path / name).rglob("*.safetensors"))
        for name in ("cold", "exact")
    )
    assert cold < exact * 0.4


def test_memory_stays_exact(tmp_path: Path) -> None:
    with tiers(host="1MB", disk=tmp_path, quantize="kivi(bits=2)") as some:
        some.put(blob(1), seconds=1.0)
        some.flush()
        assert same(some.get(key_of(1)), blob(1))


def test_nobody_gets_an_approximation_who_did_not_ask_for_it(tmp_path: Path) -> None:
    read_back(tmp_path, blob(1), "kivi(bits=4)")
    for quantize in (None, "kivi(bits=2)"):
        with tiers(disk=tmp_path, quantize=quantize) as some:
            assert some.get(key_of(1)) is None and some.get(key_of(1)) is None
            assert some.counts["other_form"] == 1 and some.counts["damaged"] == 0
    with tiers(disk=tmp_path) as some:
        assert some.get(key_of(1)) is None
        some.put(blob(1), seconds=1.0)
        some.flush()
        assert same(some.get(key_of(1)), blob(1)), "it was written over"
    with tiers(disk=tmp_path, quantize="kivi(bits=4)") as some:
        assert same(some.get(key_of(1)), blob(1)), "exact is good for everybody"


@pytest.mark.parametrize(
    ("quantize", "told"),
    [
        ("drop", "kv.compress"),
        ("snapkv", "kv.compress"),
        ("kivi + window=8", "kv.compress"),
        ("kivi(bits=3)", "cannot be packed"),
        ("kv", "no KV method"),
        ("think", "needs queries"),
    ],
)
def test_what_is_no_form_of_storage_is_refused(quantize: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        Tiers(quantize=quantize)


def test_tensors_that_do_not_go_are_refused_at_once(tmp_path: Path) -> None:
    odd = Blob(key_of(1), {}, {f"{side}.0": torch.zeros(2, 64, 40) for side in ("keys", "values")})
    with tiers(disk=tmp_path, quantize="kivi(bits=4)") as some:
        with pytest.raises(InvalidInput, match="do not divide"):
            some.put(odd, seconds=1.0)
        assert some.keys() == set()
