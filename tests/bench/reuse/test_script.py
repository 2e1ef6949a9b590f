"""scripts/measure_reuse.py runs through on a CPU."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[3] / "scripts" / "measure_reuse.py"


def test_a_dry_run_measures_every_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    told = ["--tiny", "--contexts", "128", "--blend", "160", "--block", "64"]
    given = [str(SCRIPT), "--out", str(tmp_path), "--folder", str(tmp_path), *told]
    monkeypatch.setattr(sys, "argv", given)
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    runpy.run_path(str(SCRIPT), run_name="__main__")
    record = json.loads((tmp_path / "reuse-gpu.json").read_text())
    (one,) = record["contexts"]
    assert all(one[name] > 0 for name in ("prefill_s", "host_s", "host_streamed_s", "disk_s"))
    assert one["explain_host"]["tier"] == "host" and one["explain_disk"]["tier"] == "disk"
    assert record["blend"]["full"]["work"] == 1.0 > record["blend"]["cacheblend"]["recomputed"]
    assert "| 128 |" in (tmp_path / "reuse-gpu.md").read_text()
    assert [file.name for file in tmp_path.iterdir() if file.is_dir()] == []
