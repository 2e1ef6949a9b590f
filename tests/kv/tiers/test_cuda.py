"""On a CUDA device: what was put comes back to the last bit, whole and layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mnemon.kv.tiers import Blob, CostModel, Tiers

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
KEY = "ab" * 32


@pytest.mark.parametrize(
    ("where", "budgets"),
    [("accelerator", {"accelerator": "1GB", "host": "1GB"}), ("host", {"host": "1GB"}),
     ("disk", {"host": 0})],
)  # fmt: skip
def test_a_blob_comes_back_to_the_device(
    tmp_path: Path, where: str, budgets: dict[str, Any]
) -> None:
    tensors = {
        f"{name}.{layer}": torch.randn(8, 64, 128, dtype=torch.bfloat16, device="cuda")
        for layer in range(4)
        for name in ("keys", "values")
    }
    told = {"form": "kv-block", "tokens": 64}
    blob = Blob(KEY, told, {**tensors, "tokens": torch.arange(64, dtype=torch.int32)})
    disk = tmp_path if where == "disk" else None
    costs = CostModel(skips=False)
    with Tiers(device="cuda", disk=disk, costs=costs, **budgets) as tiers:
        tiers.put(blob, seconds=1.0)
        tiers.flush()
        assert tiers.where(KEY) == where
        found, layers = tiers.get(KEY), tiers.stream(KEY)
        assert found is not None and layers is not None
        assert all(torch.equal(found.tensors[name], one) for name, one in tensors.items())
        for layer in layers:
            assert torch.equal(layer.keys, tensors[f"keys.{layer.number}"])
            assert torch.equal(layer.values, tensors[f"values.{layer.number}"])
