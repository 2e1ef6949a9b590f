"""One picture of a record: recall at k, and recall in returned tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnemon.bench import metrics
from mnemon.bench.record import Record, Result
from mnemon.models.extras import require

# Okabe & Ito 2008, https://jfly.uni-koeln.de/color/: told apart with any colour vision. Marks
# differ as well, so that a grey print can be read. Mnemon is always the first.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#888888")
_MARKS = "os^DvPX*"
_FIRST = "mnemon"


def draw(record: Record, path: Path) -> Path:
    """Write the picture as SVG; the same record gives the same bytes under one matplotlib.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    matplotlib = require("matplotlib", "matplotlib", "bench")
    figures = require("matplotlib.figure", "matplotlib", "bench")
    with matplotlib.rc_context({"svg.hashsalt": "mnemon", "font.size": 10}):
        figure = figures.Figure(figsize=(9.5, 4.4), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        shown = shown_of(record)
        _by_rank(left, shown, record.depth)
        _by_tokens(right, shown, record.budgets)
        left.set_ylabel("evidence recall")
        left.set_ylim(0, 1)
        questions = record.counts["questions"]
        figure.suptitle(f"{record.task['title']}, {questions:,} questions", fontsize=11)
        legend(figure, left)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    return path


def shown_of(record: Record) -> list[Result]:
    """Systems to draw: Mnemon first, then the best; what finds nothing at all has no curve."""
    found = [one for one in record.systems if one.scores.get("recall@50")]
    return sorted(
        found, key=lambda one: (not one.name.startswith(_FIRST), -one.scores["recall@10"])
    )


def style(place: int, dense: bool) -> dict[str, Any]:
    """How the curve at a place is drawn; a `dense` one is marked only at the cut-offs."""
    return {
        "color": _COLOURS[place % len(_COLOURS)],
        "marker": _MARKS[place % len(_MARKS)],
        "markersize": 5,
        "linewidth": 2.4 if place == 0 else 1.4,
        "zorder": 3 if place == 0 else 2,
        "markevery": [k - 1 for k in metrics.CUTOFFS] if dense else None,
    }


def _by_rank(axes: Any, shown: Sequence[Result], depth: int) -> None:
    places = list(range(1, depth + 1))
    for place, one in enumerate(shown):
        curve = [metrics.mean(metrics.recall(a, k) for a in one.answers) for k in places]
        axes.plot(places, curve, label=one.name, **style(place, dense=True))
    axes.set_xscale("log")
    ticks(axes, metrics.CUTOFFS, "turns returned (k)")


def _by_tokens(axes: Any, shown: Sequence[Result], budgets: Sequence[int]) -> None:
    for place, one in enumerate(shown):
        curve = [one.scores[f"recall@{budget}t"] for budget in budgets]
        axes.plot(budgets, curve, **style(place, dense=False))
    axes.set_xscale("log")
    ticks(axes, budgets, "tokens returned")


def ticks(axes: Any, values: Sequence[int], label: str) -> None:
    """Mark these values on the axis across, and nothing else."""
    axes.set_xticks(list(values), [f"{value:,}" for value in values])
    axes.minorticks_off()
    axes.set_xlabel(label)
    axes.grid(alpha=0.3, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def legend(figure: Any, axes: Any) -> None:
    """Names of the curves, beside the picture."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside right center", frameon=False)
