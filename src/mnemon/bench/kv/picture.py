"""The picture: accuracy against bytes really held, with the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from mnemon.bench.kv.pareto import front
from mnemon.bench.kv.table import Line
from mnemon.bench.plot import style, ticks
from mnemon.models.extras import require

_BYTES = (5, 10, 25, 50, 100)
_DASHES = ("-", "--", ":")
_MARKS = "os^DvPX*"


def draw(found: Sequence[Line], title: str, path: Path) -> Path:
    """Write the picture as SVG: left the mean over tasks, right the dense task `kv` alone.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    matplotlib = require("matplotlib", "matplotlib", "bench")
    figures = require("matplotlib.figure", "matplotlib", "bench")
    seven = any(line.mean7 is not None for line in found)
    with matplotlib.rc_context({"svg.hashsalt": "mnemon", "svg.fonttype": "none", "font.size": 10}):
        figure = figures.Figure(figsize=(11, 5), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _panel(left, [(line, line.mean7 if seven else _mean(line)) for line in found])
        left.set_title("mean of the seven tasks" if seven else "mean of the tasks, kv apart")
        _panel(right, [(line, line.accuracy("kv")) for line in found])
        right.set_title("kv: dense, no filler")
        left.set_ylabel("exact answers, %")
        left.set_ylim(-2, 104)
        figure.suptitle(f"{title}\nblack rings: the Pareto front", fontsize=11)
        _names(figure, left, right)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    return path


def _panel(axes: Any, values: Sequence[tuple[Line, float | None]]) -> None:
    """One panel; a policy looks the same in both, whether or not it has points there."""
    curves: dict[str, list[tuple[float, float]]] = {line.name: [] for line, _ in values}
    for line, gain in values:
        if line.held is not None and gain is not None:
            curves[line.name].append((100 * line.held, 100 * gain))
    for place, (name, points) in enumerate(curves.items()):
        again = place // len(_MARKS)  # colours come again: with other marks and dashes
        drawn = style(place, dense=False) | {
            "linestyle": _DASHES[again % len(_DASHES)],
            "marker": _MARKS[(place + 3 * again) % len(_MARKS)],
        }
        if points:
            across, up = zip(*sorted(points), strict=True)
            axes.plot(across, up, label=name, **drawn)
    shown = [point for points in curves.values() for point in points]
    best = [shown[place] for place in front(shown)]
    axes.scatter(
        [held for held, _ in best], [gain for _, gain in best],
        s=130, facecolors="none", edgecolors="black", linewidths=1.2, zorder=4,
    )  # fmt: skip
    axes.set_xscale("log")
    ticks(axes, _BYTES, "bytes held, % of a full cache")


def _names(figure: Any, *panels: Any) -> None:
    """Names of the curves of all panels, beside the picture."""
    named: dict[str, Any] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        named |= dict(zip(labels, handles, strict=True))
    if named:
        figure.legend(
            named.values(), named.keys(), loc="outside right center", frameon=False, fontsize=8
        )


def _mean(line: Line) -> float | None:
    each = [row.accuracy for row in line.asked if row.task != "kv" and row.accuracy is not None]
    return mean(each) if each else None
