"""Reports: a record as Markdown, as a table in the terminal, and as files."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.bench.plot import draw
from mnemon.bench.provenance import Origin
from mnemon.bench.record import QUESTIONS, RECORD, Record, Result, answers_json, to_json
from mnemon.errors import MissingExtra

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.table import Table

_QUALITY = (
    "recall@1", "recall@5", "recall@10", "recall@20", "recall@50",
    "all@10", "ndcg@10", "mrr", "recall@500t", "recall@1000t", "recall@2000t",
)  # fmt: skip
_ALL = ("all@1", "all@5", "all@10", "all@20", "all@50")
_SPEED = {
    "ingest_turns_s": "ingest, turns/s",
    "rank_p50_ms": "rank p50, ms",
    "rank_p95_ms": "rank p95, ms",
    "recall_1000_p50_ms": "1000 tokens p50, ms",
    "recall_1000_p95_ms": "1000 tokens p95, ms",
}
Rows = list[list[str]]


def save(record: Record, folder: str | Path) -> list[Path]:
    """Write record.json, questions.json, report.md and recall.svg; the files written.

    Without matplotlib there is no picture, and how to install it is said on stderr.
    """
    files = texts(
        folder,
        {RECORD: to_json(record), QUESTIONS: answers_json(record), "report.md": render(record)},
    )
    try:
        files.append(draw(record, Path(folder) / "recall.svg"))
    except MissingExtra as error:
        sys.stderr.write(f"no picture: {error}\n")
    return files


def write(found: DataclassInstance, text: str, folder: str | Path) -> list[Path]:
    """Write record.json and report.md of a bench without answers; the files written."""
    told = json.dumps(asdict(found), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return texts(folder, {RECORD: told, "report.md": text})


def texts(folder: str | Path, told: Mapping[str, str]) -> list[Path]:
    """Write texts as files of a folder, by their names; the files written."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    files = [Path(folder) / name for name in told]
    for file, text in zip(files, told.values(), strict=True):
        file.write_text(text, encoding="utf-8")
    return files


def render(record: Record) -> str:
    """The report in Markdown."""
    task, counts = record.task, record.counts
    parts = [
        f"# {task['title']}",
        f"{counts['questions']} questions ({counts['unanswerable']} more have no usable evidence) "
        f"on {counts['conversations']} conversations of {counts['turns']} turns. "
        f"{task['citation']}; {task['licence']}; {task['url']}. All scores: higher is better. "
        "`recall@k` is the share of evidence turns among the first k, `all@k` of questions with "
        "all of them there, `recall@Nt` the share of evidence turns in N returned tokens. "
        f"Main score: {task['main_score']}.",
        markdown(quality(record)),
        "95% intervals, by bootstrap over conversations:",
        markdown(intervals(record)),
        f"## {task['main_score']} by category",
        markdown(categories(record, task["main_score"])),
        "## Questions with all evidence found",
        markdown(scores(record, _ALL)),
        "## Speed",
        f"A ranking is of {record.depth} turns. Lower is better, but for ingest.",
        markdown(speed(record)),
        *_notes(record),
        "## How it was made",
        markdown(origin(record)),
    ]
    return "\n\n".join(parts) + "\n"


def table(record: Record) -> Table:
    """The main scores, for a terminal."""
    from rich.table import Table

    rows = quality(record)
    made = Table(title=f"{record.task['title']}: {record.counts['questions']} questions")
    made.add_column(rows[0][0])
    for name in rows[0][1:]:
        made.add_column(name, justify="right")
    for row in rows[1:]:
        made.add_row(*row)
    return made


def markdown(rows: Rows) -> str:
    """Rows, the first being the header, as a Markdown table with numbers to the right."""
    header = [rows[0], ["---", *("---:" for _ in rows[0][1:])]]
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in header + rows[1:]]
    return "\n".join(f"| {line} |" for line in lines)


def quality(record: Record) -> Rows:
    """Systems x the main scores, best first, and how many questions or cases failed."""
    failed = {one.name: str(len(one.failures)) for one in record.systems}
    head, *rows = scores(record, _QUALITY)
    return [[*head, "failed"], *([*row, failed[row[0]]] for row in rows)]


def scores(record: Record, names: Sequence[str]) -> Rows:
    """Systems x scores, best first."""
    return [
        ["system", *names],
        *([one.name, *(_share(one.scores, name) for name in names)] for one in ranked(record)),
    ]


def categories(record: Record, score: str) -> Rows:
    """Systems x categories, with the number of questions of each."""
    return [
        ["system", *(f"{name} ({count})" for name, count in record.categories.items())],
        *(
            [one.name, *(_share(one.categories[name], score) for name in record.categories)]
            for one in ranked(record)
        ),
    ]


def intervals(record: Record) -> Rows:
    """Systems x the scores that have an interval."""
    names = list(dict.fromkeys(name for one in record.systems for name in one.intervals))
    rows = [["system", *names]]
    for one in ranked(record):
        ends = [one.intervals[name] for name in names]
        rows.append([one.name, *(f"{low:.3f} to {high:.3f}" for low, high in ends)])
    return rows if names else [["system", "interval"], ["all", "needs two conversations"]]


def speed(record: Record) -> Rows:
    """Systems x speeds, with units."""
    return [
        ["system", *_SPEED.values()],
        *([one.name, *(_number(one.speed.get(name)) for name in _SPEED)] for one in ranked(record)),
    ]


def ranked(record: Record) -> list[Result]:
    """Systems by the main score, best first."""
    score = record.task["main_score"]
    return sorted(record.systems, key=lambda one: -one.scores.get(score, 0.0))


def _share(found: object, name: str) -> str:
    value = found.get(name) if isinstance(found, dict) else None
    return "" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _notes(record: Record) -> list[str]:
    lines = [f"- skipped {name}: {why}" for name, why in record.skipped.items()]
    for one in record.systems:
        lines += [
            f"- {one.name} failed on {fail.question or fail.case}: {fail.error}"
            for fail in one.failures[:20]
        ]
    for bad in record.malformed:
        read = f"read as {', '.join(bad.read_as)}" if bad.read_as else "left out"
        lines.append(f"- evidence of {bad.question}: `{bad.string}`: {bad.reason}; {read}")
    return ["## Notes", "\n".join(lines)] if lines else []


def origin(record: Record | Origin) -> Rows:
    """How a record was made."""
    about = {f"SHA-256 of {name}": digest for name, digest in record.data.items()}
    about |= {f"code, {name}": value or "unknown" for name, value in record.code.items()}
    about |= {f"machine, {name}": str(value) for name, value in record.machine.items()}
    return [
        ["what", "value"],
        ["command", f"`{record.command}`"],
        ["date", record.date],
        ["seed", str(record.seed)],
        *([name, value] for name, value in about.items()),
    ]
