"""Reports of ablations, as Markdown."""

from __future__ import annotations

from mnemon.bench.ablation import WHOLE, Ablation, Row
from mnemon.bench.report import Rows, markdown, origin


def render(found: Ablation) -> str:
    """The report in Markdown."""
    counts = found.counts
    parts = [
        f"# What each part is worth: {found.task['title']}",
        f"{counts['questions']} questions on {counts['conversations']} conversations, embedder "
        f"`{found.embedder}`, a ranker of {found.networks} networks. Recall@10 of the default "
        "program with one part off, the ranker fitted again without it, five-fold by conversation. "
        "Difference to everything: negative is what the part is worth; intervals are 95%, paired, "
        "by bootstrap over conversations. `fused` is the order of candidates before the ranker. "
        "Without the channel of meaning, windows still compare vectors.",
        *([f"Also fitted on: {', '.join(found.also)}."] if found.also else []),
        markdown(rows(found)),
        "## How it was made",
        markdown(origin(found.origin)),
    ]
    return "\n\n".join(parts) + "\n"


def rows(found: Ablation) -> Rows:
    """The header, then a row for each part."""
    head = ["default program", "recall@10", "difference", "95% interval", "fused"]
    return [head, *([one.name, *_cells(one)] for one in found.rows)]


def _cells(one: Row) -> list[str]:
    fused = "" if one.fused is None else f"{one.fused:.3f}"
    if one.name == WHOLE:
        return [f"{one.recall:.3f}", "", "", fused]
    low_high = one.interval
    ends = "" if low_high is None else f"{low_high[0]:+.3f} to {low_high[1]:+.3f}"
    return [f"{one.recall:.3f}", f"{one.difference:+.3f}", ends, fused]
