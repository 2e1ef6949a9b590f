from __future__ import annotations

import json

import pytest
import torch
from click.testing import CliRunner

from mnemon.bench.recall_lm import render, rows, run_recall_lm
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, UnknownName


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_table_has_a_line_a_length_and_a_column_a_task():
    calls = []
    found = run_recall_lm(
        lengths=(256, 300), tasks=("niah_single", "kv"), samples=2, nano=True, device="cpu",
        progress=lambda done, total: calls.append((done, total)),
    )  # fmt: skip
    head, *body = rows(found)
    assert head == ["tokens", "niah_single", "kv"]
    assert [line[0] for line in body] == ["256", "300"]
    assert all(0 <= one.right <= one.samples == 2 for one in found.exact)
    assert found.exact[0].right == 2
    assert calls[-1] == (4, 4)
    assert "recall-lm nano" in render(found) and found.command in render(found)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(InvalidInput, match="2048 tokens; 4096 are more"):
        run_recall_lm(lengths=(4096,), nano=True)
    with pytest.raises(UnknownName, match="'niah'"):
        run_recall_lm(tasks=("niah",), nano=True)


def test_the_command_prints_the_table_and_saves_it(tmp_path):
    told = ["--nano", "--lengths", "256", "--samples", "1", "--tasks", "kv", "--device", "cpu"]
    done = CliRunner().invoke(mnemon, ["bench", "recall-lm", *told, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("| tokens | kv |")
    saved = json.loads((tmp_path / "record.json").read_text())
    assert saved["exact"][0]["samples"] == 1 and saved["model"]["dtype"] == "float32"
