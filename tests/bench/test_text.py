from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mnemon.bench import record as records
from mnemon.bench import report
from mnemon.bench.case import Turn
from mnemon.bench.recipes._plain import Plain, costs
from mnemon.bench.record import Record
from mnemon.bench.text import run, run_text
from mnemon.errors import ImportFailed, InvalidInput, MissingExtra, UnknownName


@dataclass(frozen=True)
class Broken:
    """Answers with the turns in order, but raises where it is told to."""

    at: str = ""

    needs: ClassVar[tuple[str, ...]] = ()

    def ingest(self, turns: Sequence[Turn]) -> Plain:
        if self.at == "ingest":
            raise RuntimeError("disk on fire")
        ids = [turn.id for turn in turns]

        def order(question: str, k: int) -> list[str]:
            if question == self.at:
                raise RuntimeError("no such thing")
            return ["D9:9"] if self.at == "unknown" else ids[:k]

        return Plain(costs(turns), order)


@dataclass(frozen=True)
class Absent(Broken):
    needs: ClassVar[tuple[str, ...]] = ("no_such_module", "no-such-package", "bench")


@pytest.fixture
def data(locomo: Callable[..., Path], asked: Any) -> Path:
    return locomo(
        [asked("cat?", "D1:1", "D1:6", category=1), asked("bike?", "D1:4"), asked("none?")],
        [asked("ice?", "D1:6", "D", category=2)],
    )


@pytest.fixture
def record(data: Path) -> Record:
    return run_text(data, ["fts5", "nothing", "full-context"])


def test_scores_are_those_worked_out_by_hand(data: Path) -> None:
    (found,) = run_text(data, [Broken()]).systems
    assert [one.ranks for one in found.answers] == [(1, 6), (4,), (6,)]
    assert found.scores["recall@1"] == pytest.approx(0.5 / 3)
    assert found.scores["recall@5"] == pytest.approx(1.5 / 3)
    assert found.scores["recall@10"] == found.scores["recall@500t"] == 1.0
    assert found.categories["single-hop"]["mrr"] == 0.25
    assert found.intervals["recall@10"] == (1.0, 1.0)


@pytest.mark.parametrize(
    ("at", "failed", "recall"),
    [("ingest", 2, 0.0), ("bike?", 1, 2 / 3), ("unknown", 3, 0.0)],
)
def test_what_fails_counts_as_failed(data: Path, at: str, failed: int, recall: float) -> None:
    (found,) = run_text(data, [Broken(at)]).systems
    assert len(found.failures) == failed
    assert len(found.answers) == 3
    assert found.scores["recall@10"] == pytest.approx(recall)


def test_failures_are_told(data: Path) -> None:
    record = run_text(data, [Broken("bike?")])
    (failure,) = record.systems[0].failures
    assert (failure.case, failure.question) == ("conv-1", "conv-1:1")
    assert failure.error == "RuntimeError: no such thing"
    assert "failed on conv-1:1: RuntimeError" in report.render(record)


def test_the_record_tells_how_it_was_made(record: Record, data: Path) -> None:
    assert record.task["id"] == "locomo" and record.task["main_score"] == "recall@10"
    assert list(record.data) == ["locomo10.json"]
    assert record.counts["questions"] == 3 and record.counts["unanswerable"] == 1
    assert record.code["version"] and len(record.code["sources_sha256"]) == 64
    assert record.machine["cores"] >= 1
    assert [one.string for one in record.malformed] == ["D"]
    assert str(data.parent) not in records.to_json(record), "no path of this machine"
    assert "--systems fts5,nothing,full-context" in record.command


def test_json_round_trip(record: Record) -> None:
    text, answers = records.to_json(record), records.answers_json(record)
    assert records.from_json(text, answers) == record
    bare = tuple(replace(one, answers=()) for one in record.systems)
    assert records.from_json(text) == replace(record, systems=bare)
    with pytest.raises(ImportFailed):
        records.from_json("{}")


def test_saved_files(record: Record, tmp_path: Path) -> None:
    files = report.save(record, tmp_path / "out")
    assert [file.name for file in files][:3] == ["record.json", "questions.json", "report.md"]
    assert records.load(tmp_path / "out") == record
    questions = json.loads(files[1].read_text())
    assert questions["conv-1:1"]["systems"]["full-context"]["ranks"] == [4]
    assert "bicycle" not in files[1].read_text(), "no text of the data"


def test_the_picture_is_reproducible(record: Record, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    first, second = (report.save(record, tmp_path / name)[3].read_bytes() for name in "ab")
    assert first == second
    assert b"<dc:date>" not in first


def test_without_matplotlib_the_rest_is_saved(
    record: Record,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def missing(record: Record, path: Path) -> Path:
        raise MissingExtra("matplotlib", "bench")

    monkeypatch.setattr(report, "draw", missing)
    assert len(report.save(record, tmp_path)) == 3
    assert "pip install 'mnemon[bench]'" in capsys.readouterr().err


def test_tables_have_a_row_for_each_system(record: Record) -> None:
    text = report.render(record)
    assert text.count("| fts5 |") == 5
    assert "| multi-hop (1) |" in text and "| temporal (1) |" in text
    assert report.table(record).row_count == 3


def test_a_limit_keeps_the_first_questions(data: Path) -> None:
    told: list[tuple[str, int, int]] = []
    record = run_text(data, ["nothing"], 2, lambda *given: told.append(given))
    assert [one.question for one in record.systems[0].answers] == ["conv-1:0", "conv-1:1"]
    assert told == [("nothing", 2, 2)]


def test_run_saves_only_when_asked(tmp_path: Path) -> None:
    record = run(None, tmp_path / "out", ["nothing"], limit=1)
    assert records.load(tmp_path / "out") == record


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"systems": ["fts4"]}, UnknownName),
        ({"systems": [Absent()]}, MissingExtra),
        ({"systems": []}, InvalidInput),
        ({"systems": ["nothing"], "limit": 0}, InvalidInput),
        ({"data": "no/such/file"}, ImportFailed),
        ({"data": Path(__file__)}, ImportFailed),
    ],
)
def test_what_cannot_be_measured_raises(given: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        run_text(**given)  # type: ignore[arg-type]


def test_options_are_in_the_name() -> None:
    from mnemon.bench.recipes.fts5 import FTS5

    record = run_text(None, ["fts5", FTS5(tokenizer="unicode61")], limit=1)
    assert [one.name for one in record.systems] == ["fts5", "fts5(tokenizer=unicode61)"]
    assert record.systems[1].recipe["options"] == {"tokenizer": "unicode61"}


def test_a_system_can_be_named_with_its_options() -> None:
    record = run_text(None, ["mnemon:program=fused"], limit=2)
    assert [one.name for one in record.systems] == ["mnemon(program=fused)"]
    with pytest.raises(InvalidInput, match="name:option=value"):
        run_text(None, ["mnemon:fused"], limit=2)
