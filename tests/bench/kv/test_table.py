from __future__ import annotations

from dataclasses import replace

import pytest

from mnemon.bench.kv.cells import SEVEN
from mnemon.bench.kv.rows import Row, merged
from mnemon.bench.kv.table import costs, lines, quality

ROW = Row(
    "", "", "mnemon", "agnostic", "kv", 1024, "snapkv", "0.25", 4, 1, 0, 0,
    answers=4, right=1, held_bytes=25, full_bytes=100, question="aware",
)  # fmt: skip


def _shown(*rows: Row) -> list[str]:
    head, line = quality(lines(rows, "agnostic", 1024))
    return [f"{name}: {value}" for name, value in zip(head, line, strict=True)]


def test_the_mean_is_of_seven_tasks_and_kv_stands_beside_it() -> None:
    rows = [replace(ROW, task=task, right=4 * (task != "kv")) for task in (*SEVEN, "cwe")]
    shown = _shown(*rows)
    assert shown[3] == "mean7: 86 (69-94)" and shown[-3] == "kv: 0 (0-49)"
    assert _shown(*rows[1:])[3] == "mean7: –"


def test_what_masks_or_offloads_says_so() -> None:
    masked = replace(ROW, system="kvpress 0.5.5", policy="AdaKV", masked=True, held_bytes=100)
    assert _shown(masked)[:3] == [
        "policy: kvpress 0.5.5: AdaKV (masked)", "budget: 0.25", "bytes: 100.0",
    ]  # fmt: skip
    offloaded = replace(ROW, offloaded_bytes=75)
    assert _shown(offloaded)[0] == "policy: snapkv (offloads)"
    assert _shown(offloaded)[2] == "bytes: 25.0 + 75.0"


def test_lines_come_full_first_then_ours_then_theirs_budgets_falling() -> None:
    rows = [
        replace(ROW, system="kvpress 0.5.5"),
        ROW,
        replace(ROW, budget="0.5"),
        replace(ROW, policy="mine"),
        replace(ROW, policy="recency"),
        replace(ROW, policy="full", budget="1.0"),
    ]
    found = [(one.name, one.budget) for one in lines(rows, "agnostic", 1024)]
    assert found == [
        ("full", "1.0"), ("recency", "0.25"), ("snapkv", "0.5"), ("snapkv", "0.25"),
        ("mine", "0.25"), ("kvpress 0.5.5: snapkv", "0.25"),
    ]  # fmt: skip


@pytest.mark.parametrize("trouble", ["refused", "failed"])
def test_what_was_not_measured_has_no_numbers(trouble: str) -> None:
    shown = _shown(replace(ROW, answers=0, right=0, **{trouble: "why"}))
    assert shown[2] == f"bytes: {trouble}" and {one[-1] for one in shown[3:]} == {"–"}
    timed = replace(ROW, regime="speed", **{trouble: "why"})
    assert costs([timed])[1][2] == trouble


def test_a_task_that_was_not_measured_says_so_beside_those_that_were() -> None:
    nothing = {"answers": 0, "right": 0, "held_bytes": 0, "full_bytes": 0}
    refused = replace(ROW, task="vt", refused="too short", **nothing)
    shown = _shown(ROW, refused)
    assert shown[2] == "bytes: 25.0" and shown[4:7] == ["vt: refused", "kv: 25 (5-70)", "n: 4"]


def test_a_later_row_replaces_one_that_says_the_same() -> None:
    again = replace(ROW, right=3)
    other = replace(ROW, budget="0.5")
    assert merged([ROW, other], [again]) == [again, other]
