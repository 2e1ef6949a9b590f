"""`mnemon bench recall-lm` and `train-recall-lm`: the small model that recalls."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mnemon.cli import layout, serial
from mnemon.cli.lists import numbers, split
from mnemon.cli.progress import bar

_device = click.option(
    "--device",
    metavar="NAME",
    help="Where to compute: cuda, cpu; by default a GPU if there is one.",
)


@click.command("recall-lm")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--nano", is_flag=True, help="The small sibling.")
@click.option(
    "--lengths", default="512,1024", show_default=True, metavar="N,…", help="Tokens of a sample."
)
@click.option("--tasks", metavar="NAME,…", help="Only these; all if not given.")
@click.option(
    "--samples", type=click.IntRange(1), default=8, show_default=True,
    help="How many of each task and length.",
)  # fmt: skip
@_device
@click.option("--dtype", metavar="NAME", help="By default float32 on a CPU, bfloat16 elsewhere.")
@click.option("--out", type=click.Path(path_type=Path), help="Save record and report here.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def recall_lm(
    folder: Path | None, nano: bool, lengths: str, tasks: str | None, samples: int,
    device: str | None, dtype: str | None, out: Path | None, seed: int, json_: bool,
) -> None:  # fmt: skip
    """Measure how exactly a small model recalls, by task and length.

    FOLDER is what `mnemon bench train-recall-lm` wrote; by default the bundled model.
    """
    from mnemon.bench import report
    from mnemon.bench.recall import TASKS
    from mnemon.bench.recall_lm import render, rows, run_recall_lm

    with bar("measuring") as progress:
        found = run_recall_lm(
            folder, numbers(lengths), split(tasks) if tasks else TASKS, samples, nano=nano,
            device=device or _present(), dtype=dtype, seed=seed, progress=progress,
        )  # fmt: skip
    for file in report.write(found, render(found), out) if out else ():
        click.echo(f"wrote {file}", err=True)
    if json_:
        serial.show(found)
    elif layout.is_terminal():
        head, *body = rows(found)
        layout.table(head, body)
    else:
        click.echo(render(found), nl=False)


@click.command("train-recall-lm")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--nano", is_flag=True, help="The recipe of the small sibling.")
@click.option(
    "--refine", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="FOLDER",
    help="Only the second stage, from the model in this folder.",
)  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(1), metavar="S",
    help="Of training; the phases are scaled. By default 400 and 180, nano 75, for one H200.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), help="By default the recipe's.")
@click.option(
    "--workers", type=click.IntRange(0), metavar="N",
    help="Processes that make samples; by default two fewer than there are cores.",
)  # fmt: skip
@click.option(
    "--tokens", type=click.IntRange(1024), metavar="N",
    help="Of a step, by default 131072; for machines with little memory.",
)  # fmt: skip
@_device
def train_recall_lm(
    folder: Path, nano: bool, refine: Path | None, seconds: float | None, seed: int | None,
    workers: int | None, tokens: int | None, device: str | None,
) -> None:  # fmt: skip
    """Train the small model that recalls, from nothing, into FOLDER.

    In two stages: the first goes into FOLDER/first, the second refines it. Needs a GPU to get
    anywhere; on a CPU it only shows that it runs. Each line of the log goes to stderr as well. Then
    `mnemon bench recall-lm FOLDER` measures it.
    """
    from mnemon.models.extras import require

    if nano and refine:
        raise click.UsageError("--nano has one stage only: leave --refine out")
    for name in ("torch", "safetensors", "tokenizers"):
        require(name, name, "kv")
    from mnemon.bench.recall_lm_training.run import train

    made = max(0, (os.cpu_count() or 1) - 2) if workers is None else workers
    device = device or _present()
    # Looking takes a GPU a second, and a CPU minutes.
    held_out = 0 if device == "cpu" else 16
    for recipe, place, start in _stages(folder, nano, refine, seconds):
        told: dict[str, Any] = {"seed": seed, "tokens": tokens}
        chosen = replace(recipe, **{name: one for name, one in told.items() if one is not None})
        train(
            chosen, place, device=device, workers=made, held_out=held_out, start=start, tell=_tell
        )  # fmt: skip
    click.echo(str(folder))


def _stages(
    folder: Path, nano: bool, refine: Path | None, seconds: float | None
) -> list[tuple[Any, Path, Path | None]]:
    """What is trained, where to, and from which model; `seconds` are shared out."""
    from mnemon.bench.recall_lm_training import recipe

    stages: list[tuple[Any, Path, Path | None]] = [(recipe.nano(), folder, None)]
    if refine is not None:
        stages = [(recipe.refining(), folder, refine)]
    elif not nano:
        first = folder / "first"
        stages = [(recipe.Recipe(), first, None), (recipe.refining(), folder, first)]
    whole = sum(one.seconds for one, _, _ in stages)
    factor = 1.0 if seconds is None else seconds / whole
    return [(replace(one, seconds=one.seconds * factor), *rest) for one, *rest in stages]


def _tell(line: Any) -> None:
    click.echo(json.dumps(line), err=True)


def _present() -> str:
    from mnemon.models.extras import require

    return "cuda" if require("torch", "torch", "kv").cuda.is_available() else "cpu"
