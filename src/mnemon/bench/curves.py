"""Pictures of saved records: latency against size, and recall against returned tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnemon.bench.plot import legend, shown_of, style, ticks
from mnemon.bench.record import RECORD, Record, from_json
from mnemon.errors import ImportFailed, InvalidInput
from mnemon.models.extras import require

SPEED = "speed.json"
FORMATS = ("svg", "png")
_SEARCH = "search, k 10, "
_QUANTILES = ("p50", "p95")


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in the order of x: cubes and milliseconds, or tokens and recall."""

    name: str
    points: tuple[tuple[float, float], ...]


def draw_records(paths: Sequence[Path], out: Path) -> Path:
    """Draw records of one kind: folders that a bench wrote, or their JSON files.

    Raises:
        InvalidInput: they are of two kinds, or `out` is neither .svg nor .png.
        ImportFailed: a path holds no such record, or one without anything to draw.
        MissingExtra: matplotlib is not installed.
    """
    if out.suffix.removeprefix(".") not in FORMATS:
        raise InvalidInput(f"{out.name} is no picture: let its name end in .svg or .png")
    files = [_file(path) for path in paths]
    kinds = {file.name == SPEED for file in files}
    if len(kinds) > 1:
        raise InvalidInput("speed and recall do not go in one picture: draw one kind at a time")
    told = {file: json.loads(file.read_text("utf-8")) for file in files}
    if kinds == {True}:
        curves = [one for file in files for one in latencies(told[file], _label(file, files))]
        return _draw(curves, out, "cubes in the store", "search, 10 hits (ms)", latency=True)
    records = [from_json(json.dumps(told[file])) for file in files]
    pairs = zip(records, files, strict=True)
    curves = [one for record, file in pairs for one in recalls(record, _label(file, files))]
    return _draw(curves, out, "tokens returned", "evidence recall", latency=False)


def latencies(speed: Mapping[str, Any], label: str = "") -> list[Curve]:
    """p50 and p95 of searches by size, of what speed.json holds."""
    values = speed.get("values")
    if not isinstance(values, list):
        raise ImportFailed(f"this is no {SPEED} of `mnemon bench speed`: it has no list of values")
    curves = []
    for quantile in _QUANTILES:
        found = [
            (float(one["size"]), float(one["value"]))
            for one in values
            if one["name"] == f"{_SEARCH}{quantile}"
        ]
        name = f"{label} {quantile}".strip()
        curves += [Curve(name, tuple(sorted(found)))] if found else []
    return curves


def recalls(record: Record, label: str = "") -> list[Curve]:
    """Evidence recall by returned tokens, for each system that finds anything."""
    curves = []
    for system in shown_of(record):
        points = tuple(
            (float(budget), system.scores[f"recall@{budget}t"])
            for budget in record.budgets
            if f"recall@{budget}t" in system.scores
        )
        if any(share for _, share in points):
            curves.append(Curve(f"{label} {system.name}".strip(), points))
    return curves


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    found = [path / name for name in (SPEED, RECORD) if (path / name).is_file()]
    if len(found) != 1:
        raise ImportFailed(f"{path} holds no {SPEED} or {RECORD}, or both: name the file")
    return found[0]


def _label(file: Path, files: Sequence[Path]) -> str:
    """What tells several records apart: their folders' names."""
    return file.resolve().parent.name if len(files) > 1 else ""


def _draw(curves: Sequence[Curve], out: Path, across: str, up: str, latency: bool) -> Path:
    if not curves:
        raise ImportFailed(f"there is nothing to draw {up} against {across} of")
    matplotlib = require("matplotlib", "matplotlib", "bench")
    figures = require("matplotlib.figure", "matplotlib", "bench")
    with matplotlib.rc_context({"svg.hashsalt": "mnemon", "font.size": 10}):
        figure = figures.Figure(figsize=(7.5, 4.4), layout="constrained")
        axes = figure.subplots()
        for place, one in enumerate(curves):
            xs, ys = zip(*one.points, strict=True)
            axes.plot(xs, ys, label=one.name, **style(place, dense=False))
        axes.set_xscale("log")
        ticks(axes, sorted({int(x) for one in curves for x, _ in one.points}), across)
        axes.set_ylim(bottom=0, top=None if latency else 1)
        axes.set_ylabel(up)
        legend(figure, axes)
        out.parent.mkdir(parents=True, exist_ok=True)
        kind = out.suffix.removeprefix(".")
        # Without these the same record would not give the same bytes.
        unsaid = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(out, format=kind, metadata=unsaid, dpi=150)
    return out
