"""The picture of `retention`: what is known after each exposure, and what stays of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mnemon.bench.plot import legend, style
from mnemon.models.extras import require

_CURVES = {
    "recall": "recall",
    "paraphrase": "recall, other words",
    "recognition_value": "recognition, another value",
    "recognition_subject": "recognition, another subject",
}


def draw(retention: Mapping[str, Any], path: Path) -> Path:
    """Write the picture as SVG: exposures of one adapter, of shards, and what one adapter keeps.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    matplotlib = require("matplotlib", "matplotlib", "bench")
    figures = require("matplotlib.figure", "matplotlib", "bench")
    one = retention["one_adapter"]
    panels = {
        ("sharded", "exposures"): retention["sharded"]["exposures"],
        ("one adapter", "exposures"): one["exposures"],
        ("one adapter, then other facts", "updates on other facts"): one["retention"],
    }
    with matplotlib.rc_context({"svg.hashsalt": "mnemon", "svg.fonttype": "none", "font.size": 9}):
        figure = figures.Figure(figsize=(11, 3.6), layout="constrained")
        each = figure.subplots(1, len(panels), sharey=True)
        for axes, ((title, across), marks) in zip(each, panels.items(), strict=True):
            _panel(axes, marks)
            axes.set_title(title, fontsize=10)
            axes.set_xlabel(across)
        each[0].set_ylabel("share of the first batch")
        each[0].set_ylim(-0.02, 1.02)
        legend(figure, each[0])
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    return path


def _panel(axes: Any, marks: Sequence[Mapping[str, float]]) -> None:
    every = max(1, len(marks) // 12)
    across = [one.get("updates", place) for place, one in enumerate(marks)]
    for place, (name, said) in enumerate(_CURVES.items()):
        drawn = style(place, dense=False) | {"markevery": every, "markersize": 4}
        axes.plot(across, [one[name] for one in marks], label=said, **drawn)
    axes.grid(alpha=0.3, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
