from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from mnemon.bench.kv.rows import read
from mnemon.errors import InvalidInput

Run = Callable[..., Result]


@pytest.fixture
def theirs(run: Run, tmp_path: Path) -> dict[str, Any]:
    """A row as another program writes it, of the samples that were exported."""
    file = tmp_path / "samples.json.gz"
    assert run("--export-samples", str(file)).exit_code == 0
    told = json.loads(gzip.decompress(file.read_bytes()))
    cell = next(one for one in told["cells"] if one["task"] == "kv")
    names = ("regime", "task", "length", "samples", "questions", "tokens", "seed", "asked")
    row = {name: cell[name] for name in names}
    row |= {"system": "kvpress 0.5.5", "policy": "AdaKV(SnapKV)", "budget": "0.25"}
    return row | {"answers": 2, "right": 1, "held_bytes": 10, "full_bytes": 10, "masked": True}


def test_rows_of_others_stand_in_the_same_table(
    measured: Path, run: Run, theirs: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "theirs.jsonl"
    file.write_text(json.dumps(theirs) + "\n")
    done = run(
        "--only-merge", "--merge", str(measured / "rows.jsonl"), "--merge", str(file),
        "--out", str(tmp_path / "both"),
    )  # fmt: skip
    assert done.exit_code == 0
    line = "| kvpress 0.5.5: AdaKV(SnapKV) (masked) | 0.25 | 100.0 | – | – | 50 (9-91) | 2 | – |"
    assert line in done.stdout and "| snapkv | 0.25 |" in done.stdout
    assert "AdaKV(SnapKV) (masked)" in (tmp_path / "both" / "kv-agnostic-256.svg").read_text()


def test_rows_of_other_samples_are_refused(
    run: Run, theirs: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "theirs.jsonl"
    file.write_text(json.dumps(theirs | {"seed": 1}) + "\n")
    refused = run("--only-merge", "--merge", str(file))
    assert refused.exit_code == 2 and "--export-samples" in refused.stderr


@pytest.mark.parametrize("line", ["[]", "{", '{"system": "x"}'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(InvalidInput, match="line 1"):
        read(file)


def test_a_row_of_another_version_is_refused(theirs: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(theirs | {"colour": "red"}) + "\n")
    with pytest.raises(InvalidInput, match="colour"):
        read(file)
