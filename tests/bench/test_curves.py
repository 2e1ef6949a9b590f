from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mnemon.bench import report
from mnemon.bench.curves import Curve, draw_records, latencies, recalls
from mnemon.bench.text import run_text
from mnemon.errors import ImportFailed, InvalidInput


def speed(*points: tuple[int, float]) -> dict[str, Any]:
    return {
        "values": [
            {"name": f"search, k 10, {label}", "value": ms * times, "unit": "ms", "size": size,
             "count": 9}
            for size, ms in points
            for label, times in (("p50", 1), ("p95", 2))
        ] + [{"name": "add one, durable, p50", "value": 9.0, "unit": "ms", "size": 1, "count": 1}]
    }  # fmt: skip


def written(folder: Path, told: dict[str, Any]) -> Path:
    folder.mkdir()
    (folder / "speed.json").write_text(json.dumps(told))
    return folder


def test_latency_goes_by_size() -> None:
    assert latencies(speed((1000, 2.0), (10, 1.0)), "old") == [
        Curve("old p50", ((10.0, 1.0), (1000.0, 2.0))),
        Curve("old p95", ((10.0, 2.0), (1000.0, 4.0))),
    ]


def test_recall_goes_by_tokens_and_what_finds_nothing_has_no_curve() -> None:
    record = run_text(None, ["nothing", "fts5"], limit=3)
    (curve,) = recalls(record)
    assert curve.name == "fts5"
    assert [x for x, _ in curve.points] == list(record.budgets)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_same_records_give_the_same_picture(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("matplotlib")
    folders = [written(tmp_path / name, speed((10, 1.0), (100, 2.0))) for name in ("a", "b")]
    pictures = [draw_records(folders, tmp_path / "p" / f"{n}.{ending}") for n in (1, 2)]
    first, second = (one.read_bytes() for one in pictures)
    assert first == second
    assert first.startswith(b"<?xml" if ending == "svg" else b"\x89PNG")


def test_a_record_of_recall_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    report.save(run_text(None, ["fts5"], limit=3), tmp_path / "text")
    drawn = draw_records([tmp_path / "text"], tmp_path / "recall.svg")
    assert drawn.read_bytes().startswith(b"<?xml")


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    fast = written(tmp_path / "speed", speed((10, 1.0)))
    report.save(run_text(None, ["nothing"], limit=1), tmp_path / "text")
    with pytest.raises(InvalidInput, match=r"\.svg or \.png"):
        draw_records([fast], tmp_path / "picture.pdf")
    with pytest.raises(InvalidInput, match="one kind"):
        draw_records([fast, tmp_path / "text"], tmp_path / "p.svg")
    with pytest.raises(ImportFailed, match="holds no"):
        draw_records([tmp_path], tmp_path / "p.svg")
    with pytest.raises(ImportFailed, match="nothing to draw"):
        draw_records([tmp_path / "text"], tmp_path / "p.svg")
