"""Reports of abstention, as Markdown."""

from __future__ import annotations

from mnemon.bench.abstention import DEPTH, KINDS, Abstainer, Abstention
from mnemon.bench.calibration import Calibration
from mnemon.bench.report import Rows, markdown, origin
from mnemon.bench.separation import KEPT, Separation

_HEAD = [
    "system", "AUROC", "95% interval", "accuracy", "guessing", "balanced accuracy",
    f"false alarms at {KEPT:.0%} kept", "kept",
]  # fmt: skip


def render(found: Abstention) -> str:
    """The report in Markdown."""
    counts = found.counts
    parts = [
        f"# Telling what was never said: {found.task['title']}",
        f"{counts['questions']} questions on {counts['conversations']} conversations. How sure a "
        "system is of its best hit, for questions that its memory answers and for questions that "
        "it cannot. AUROC: the chance that one of the former scores higher, 0.5 is guessing. "
        "Accuracies and false alarms are by thresholds taken from other conversations (five "
        "folds); balanced accuracy is the mean of both kinds' shares, 0.5 is guessing. Higher is "
        "better, but for false alarms.",
    ]
    for kind, what in KINDS.items():
        if len(rows := separations(found, kind)) > 1:
            parts += [f"## {kind.capitalize()}", f"{what.capitalize()}.", markdown(rows)]
    if any(one.calibrations for one in found.systems):
        parts += _calibrated(found)
    parts += [*_notes(found), "## How it was made", markdown(origin(found.origin))]
    return "\n\n".join(parts) + "\n"


def separations(found: Abstention, kind: str) -> Rows:
    """Systems x measures for one kind of unanswerable questions, the best AUROC first."""
    told = [(one.name, one.kinds[kind]) for one in found.systems if kind in one.kinds]
    told.sort(key=lambda pair: -pair[1].auroc)
    return [_HEAD, *([name, *_cells(one)] for name, one in told)]


def brief(found: Abstention) -> Rows:
    """Systems x AUROC of each kind, and the error of the first hits' probabilities."""
    kinds = [kind for kind in KINDS if any(kind in one.kinds for one in found.systems)]
    rows = [["system", *(f"AUROC {kind}" for kind in kinds), "calibration error"]]
    for one in found.systems:
        areas = [f"{one.kinds[kind].auroc:.3f}" if kind in one.kinds else "" for kind in kinds]
        shown = one.calibrations.get(f"the first {DEPTH} hits")
        rows.append([one.name, *areas, "" if shown is None else f"{shown.error:.3f}"])
    return rows


def _cells(one: Separation) -> list[str]:
    ends = "" if one.interval is None else f"{one.interval[0]:.3f} to {one.interval[1]:.3f}"
    shares = (one.accuracy, one.guess, one.balanced, one.false_alarms, one.kept)
    return [f"{one.auroc:.3f}", ends, *map(_share, shares)]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _calibrated(found: Abstention) -> list[str]:
    parts = [
        "## Are scores probabilities?",
        "Of hits with scores in a bin: how many, their mean score, and the share that is evidence. "
        "Expected calibration error: the mean distance of the two, lower is better.",
    ]
    for system in found.systems:
        for name, one in system.calibrations.items():
            parts += [
                f"### {system.name}: {name}",
                f"{one.count:,} hits, expected calibration error {one.error:.3f}.",
                markdown(reliability(one)),
            ]
    return parts


def reliability(one: Calibration) -> Rows:
    """A row for each bin that has hits."""
    return [
        ["score", "hits", "mean score", "evidence"],
        *(
            [f"{bin.low:.1f} to {bin.high:.1f}", f"{bin.count:,}", _share(bin.score),
             _share(bin.share)]
            for bin in one.bins
            if bin.count
        ),
    ]  # fmt: skip


def _notes(found: Abstention) -> list[str]:
    lines = [f"- skipped {name}: {why}" for name, why in found.skipped.items()]
    for one in found.systems:
        lines += _failed(one)
    return ["## Notes", "\n".join(lines)] if lines else []


def _failed(one: Abstainer) -> list[str]:
    return [
        f"- {one.name} failed on {fail.question or fail.case}: {fail.error}"
        for fail in one.failures[:20]
    ]
