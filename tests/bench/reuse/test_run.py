"""`mnemon bench reuse`, as a smoke test on the small model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from mnemon.bench.reuse.cold import cool
from mnemon.bench.reuse.plan import Plan
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput

WANTED = {
    "ttft_ratio_host", "ttft_ratio_disk", "greedy_identical", "blend_accuracy_ratio",
    "naive_accuracy_ratio", "blend_recomputed", "chat_first", "chat_last", "chat_slope",
    "runtime_first", "runtime_last", "runtime_slope", "verify_looked", "verify_largest",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("reuse") / "out"
    told = ["bench", "reuse", "--model", "nano", "--quick", "--threads", "1"]
    told += ["--repeats", "1", "--samples", "1", "--asked", "1"]
    done = CliRunner().invoke(mnemon, [*told, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((out / "reuse.json").read_text())
    return out


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "reuse.json").read_text())
    return told


def test_its_json_has_what_was_promised(found: dict[str, Any]) -> None:
    assert set(found) >= WANTED
    assert all(isinstance(found[name], int | float) for name in WANTED)
    assert found["targets"]["ttft_ratio_host"] == [0.125, "at most"]


def test_a_kept_prefix_changes_no_answer(found: dict[str, Any]) -> None:
    assert found["greedy_identical"] == 1.0 and found["greedy_bits_equal"] == 1.0
    assert found["verify_differed"] == 0 and found["verify_looked"] >= 1


def test_every_turn_computes_its_own_tokens_only(found: dict[str, Any]) -> None:
    chat, talk = found["chat"], found["talk"]
    assert len(chat["live"]) == len(talk["computed"]) == 6
    assert set(chat["live"][1:]) == {13}
    assert max(chat["rested"][1:]) < 13 + 64 + 13  # what stands in the unfinished block, too
    assert max(talk["computed"][1:]) < talk["prompt"][-1] / 2


def test_what_was_reused_is_told_with_the_times(found: dict[str, Any]) -> None:
    first = found["first_token"]
    assert first["reused"] == 448 and first["tokens"] > 448 and first["nbytes"] > 448 * 1024
    assert found["ttft_ratio_host"] == pytest.approx(first["host"] / first["full"])
    assert [one["tier"] for one in first["explained"]] == ["host", "disk"]


def test_the_report_says_what_was_missed(folder: Path) -> None:
    told = (folder / "reuse.md").read_text("utf-8")
    assert "| ttft_ratio_host |" in told and "at most 0.125" in told
    assert "cores;" in told and "nano, 1 threads" in told


def test_plans_that_cannot_be_measured_are_refused() -> None:
    for wrong in ({"tokens": 9000}, {"samples": 0}, {"model": "gpt"}):
        with pytest.raises(InvalidInput):
            Plan(**wrong)


def test_cooling_counts_what_it_cools(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(b"x" * 5000)
    assert cool(tmp_path) == 5000
