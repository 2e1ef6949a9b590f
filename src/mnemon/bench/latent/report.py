"""The report of `mnemon bench latent`: a table for each heading, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from mnemon.bench.latent.run import LatentRun
from mnemon.bench.latent.section import Cell, Row
from mnemon.bench.record import RECORD
from mnemon.bench.report import markdown, texts


def tables(found: LatentRun) -> Iterator[tuple[str, list[list[str]]]]:
    """Each table's heading, and its head and rows."""
    for name, rows in found.sections.items():
        for title, group in groupby(rows, key=lambda row: row.table):
            yield f"{name}: {title}", _table(list(group))


def render(found: LatentRun) -> str:
    """The report in Markdown."""
    machine, context = found.origin.machine, found.context
    head = (
        f"{context['model']}, trained on {context['device']}, on {machine['cpu']}, "
        f"{machine['cores']} cores, "
        f"{context['threads']} threads, load {context['load']}, torch {context['torch']}, "
        f"transformers {context['transformers']}, seed {found.origin.seed}."
    )
    parts = [f"**{title}**\n\n{markdown(rows)}" for title, rows in tables(found)]
    return "\n\n".join([head, *parts]) + "\n"


def to_json(found: LatentRun) -> str:
    """Rows by part, and `context` and `origin` after them."""
    told = {name: [asdict(row) for row in rows] for name, rows in found.sections.items()}
    rest = {"context": dict(found.context), "origin": asdict(found.origin)}
    return json.dumps({**told, **rest}, indent=1, allow_nan=False) + "\n"


def save(found: LatentRun, folder: Path) -> list[Path]:
    """Write record.json and report.md; the files written."""
    return texts(folder, {RECORD: to_json(found), "report.md": render(found)})


def _table(rows: Sequence[Row]) -> list[list[str]]:
    head = list(dict.fromkeys(name for row in rows for name in (*row.at, *row.figures)))
    cells = [{**row.at, **row.figures} for row in rows]
    return [head, *([_said(one[name]) if name in one else "" for name in head] for one in cells)]


def _said(value: Cell) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else value
