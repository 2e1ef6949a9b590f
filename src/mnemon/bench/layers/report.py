"""The report of `mnemon bench layers`: a table of means over seeds, one of the frozen model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnemon.bench.layers.run import LayersRun
from mnemon.bench.report import Rows, markdown

if TYPE_CHECKING:
    from mnemon.bench.layers.cells import Row

_HEAD = [
    "what", "rate", "parameters", "operations a token", "bytes a token: alone", "… of 64",
    "validation", "answered", "head", "middle", "tail", "question's path", "fetched ahead",
    "same offloaded",
]  # fmt: skip


def rows(found: LayersRun) -> Rows:
    """A line a variant: means over the seeds, and deviations of what is answered."""
    names = list(dict.fromkeys(one.name for one in found.rows))
    return [_HEAD, *(_line([one for one in found.rows if one.name == name]) for name in names)]


def frozen(found: LayersRun) -> Rows:
    """A line a memory on the frozen model."""
    head = ["memory", "parameters", "recall", "base", "strangers", "own tasks", "… before"]
    return [head, *(
        [
            str(one["name"]), f"{one['parameters']:,}",
            *(f"{one[key]:.3f}" for key in ("recall", "chance", "strangers", "tasks")),
            f"{one['tasks_before']:.3f}",
        ]
        for one in found.frozen
    )]  # fmt: skip


def render(found: LayersRun) -> str:
    """The report in Markdown."""
    machine, told = found.origin.machine, found.context
    head = (
        f"{told['facts']} facts, {told['steps']} steps, {len({one.seed for one in found.rows})} "
        f"seeds, on {machine['cpu']}, {machine['cores']} cores, {told['threads']} threads, load "
        f"{told['load']}, torch {told['torch']}; `{found.origin.command}`"
    )
    parts = [head, markdown(rows(found))]
    if found.frozen:
        parts += ["The bundled model's small sibling, frozen:", markdown(frozen(found))]
    return "\n\n".join(parts) + "\n"


def _line(of: list[Row]) -> list[str]:
    def mean(name: str) -> float:
        return float(np.mean([getattr(one, name) for one in of]))

    def spread(name: str) -> float:
        return float(np.std([getattr(one, name) for one in of], ddof=min(1, len(of) - 1)))

    first = of[0]
    return [
        first.name, f"{first.rate:g}", f"{mean('parameters'):,.0f}", f"{mean('operations'):,.0f}",
        f"{mean('bytes_alone'):,.0f}", f"{mean('bytes_together'):,.0f}",
        f"{mean('validation'):.3f}",
        *(f"{mean(one):.3f} ± {spread(one):.3f}" for one in ("answered", "head", "middle", "tail")),
        "" if first.reached is None else f"{mean('reached'):.0%}",
        "" if first.hit_rate is None else f"{mean('hit_rate'):.0%}",
        "" if first.same is None else "yes" if all(one.same for one in of) else "no",
    ]  # fmt: skip
