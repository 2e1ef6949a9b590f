from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]


def test_every_cell_has_a_row_and_the_table_a_line(
    measured: Path, rows: list[dict[str, Any]]
) -> None:
    assert len(rows) == 2 * (1 + 2 * 2) and {row["regime"] for row in rows} == {"agnostic"}
    report = (measured / "report.md").read_text()
    assert "| policy | budget | bytes | mean7 | niah_single | kv | n | scores |" in report
    for line in ("| full | 1.0 | 100.0 |", "| recency | 0.25 |", "| snapkv | 0.5 |"):
        assert line in report
    assert "Nothing may be claimed about large models from this model" in report
    assert "twice what it is in bfloat16" in report
    assert (measured / "kv-agnostic-256.svg").read_text().startswith("<?xml")


def test_the_record_has_what_the_page_promises(measured: Path) -> None:
    told = json.loads((measured / "record.json").read_text())
    assert {"caveat", "context", "rows", "unknown", "fresh", "origin"} == told.keys()
    page = (Path(__file__).parents[3] / "docs" / "kv-bench.md").read_text()
    assert all(f"`{name}`" in page for name in told["rows"][0])


def test_bytes_are_those_of_the_budget_and_the_full_model_knows_all(
    rows: list[dict[str, Any]],
) -> None:
    for row in rows:
        # Keys and values are within the budget; it also remembers positions of its tail.
        assert row["held_bytes"] / row["full_bytes"] <= 1.01 * float(row["budget"])
    full = [row for row in rows if row["policy"] == "full" and row["answers"]]
    assert sum(row["right"] for row in full) > sum(row["answers"] for row in full) / 2


def test_resuming_measures_nothing_again(measured: Path, run: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(measured, tmp_path / "out")
    before = (folder / "rows.jsonl").read_bytes()
    again = run("--out", str(folder), "--no-speed", "--resume", "--json")
    assert again.exit_code == 0 and json.loads(again.stdout)["fresh"] == 0
    assert (folder / "rows.jsonl").read_bytes() == before


def test_resuming_measures_what_is_missing_or_was_cut_off(
    measured: Path, run: Run, tmp_path: Path
) -> None:
    folder = shutil.copytree(measured, tmp_path / "out")
    file = folder / "rows.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[2:]) + lines[0][:40])
    again = run("--out", str(folder), "--no-speed", "--resume", "--json")
    assert again.exit_code == 0 and json.loads(again.stdout)["fresh"] == 2
    assert len(json.loads(again.stdout)["rows"]) == len(lines)
    assert {json.loads(line)["key"] for line in file.read_text().splitlines()} == {
        json.loads(line)["key"] for line in lines
    }


def test_times_are_beside_the_plain_models(run: Run) -> None:
    done = run("--policies", "snapkv@0.5", "--tasks", "kv", "--json")
    assert done.exit_code == 0
    full, snapkv = (row for row in json.loads(done.stdout)["rows"] if row["regime"] == "speed")
    assert (full["policy"], snapkv["policy"], snapkv["needs"]) == ("full", "snapkv", ["queries"])
    for row in (full, snapkv):
        assert row["overhead"] == row["prompt_s"] / row["plain_prompt_s"] - 1
        assert row["tokens_s"] > 0 and row["peak_bytes"] is None and row["batch"] == 1
    assert 2 * snapkv["held_bytes"] == pytest.approx(full["held_bytes"], rel=0.02)


def test_several_sequences_at_once_have_rows_of_their_own(run: Run) -> None:
    done = run("--policies", "recency@0.5", "--tasks", "kv", "--batches", "1,3", "--json")
    assert done.exit_code == 0
    rows = [row for row in json.loads(done.stdout)["rows"] if row["regime"] == "speed"]
    assert [(row["policy"], row["batch"]) for row in rows] == [
        ("full", 1), ("recency", 1), ("full", 3), ("recency", 3),
    ]  # fmt: skip
    one, three = rows[1], rows[3]
    assert three["held_bytes"] == pytest.approx(3 * one["held_bytes"], rel=0.02)
    assert run("--batches", "0").exit_code == 2


def test_a_folder_with_rows_is_not_written_over(measured: Path, run: Run) -> None:
    refused = run("--out", str(measured))
    assert refused.exit_code == 2 and "--resume" in refused.stderr


def test_a_policy_nobody_knows_is_named_and_the_others_are_measured(run: Run) -> None:
    done = run("--policies", "recency,recensy", "--budgets", "0.5", "--no-speed")
    assert done.exit_code == 0
    assert "no method is called so here: `recensy`" in done.stdout


def test_a_budget_that_cannot_be_is_a_refused_row(run: Run) -> None:
    done = run("--policies", "recency+window=100", "--budgets", "32", "--no-speed")
    assert done.exit_code == 0
    assert "| recency+window=100 | 32 | refused |" in done.stdout
    assert "give a larger budget, or a smaller window" in done.stdout
