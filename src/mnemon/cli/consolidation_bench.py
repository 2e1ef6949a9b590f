"""`mnemon bench consolidation`: what training facts holds and takes, by optimizer and offload."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mnemon.cli import layout, options, serial
from mnemon.cli.lists import split
from mnemon.cli.progress import bar


@click.command("consolidation")
@click.option(
    "--facts", type=click.IntRange(1), default=16, show_default=True, help="That are trained."
)
@click.option(
    "--steps", type=click.IntRange(4), default=60, show_default=True, help="Of every method."
)
@click.option(
    "--jobs", metavar="NAME,…",
    help="lora (adapters of all layers), upper (weights of the upper half), scratch (a model from "
    "random weights); all if not given.",
)  # fmt: skip
@click.option("--methods", metavar="NAME,…", help="Rows of the table; all if not given.")
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="How many.")
@click.option(
    "--model", default="nano", show_default=True, metavar="NAME",
    help="nano, recall-lm, or a shape of random weights: llama-1b, llama-mini.",
)  # fmt: skip
@options.base_device
@options.dtype
@options.out
@options.seed
@options.as_json
def consolidation(
    facts: int, steps: int, jobs: str | None, methods: str | None, seeds: int, model: str,
    device: str, dtype: str | None, out: Path | None, seed: int, json_: bool,
) -> None:  # fmt: skip
    """Measure memory, time, loss and recall of optimizers and offloads at equal steps.

    A method that cannot run here is a row that says why. docs/weights-optimize.md says what each
    column means.
    """
    from mnemon.bench import report as reports
    from mnemon.bench.bases import Base
    from mnemon.bench.consolidation import report, run

    with bar("training") as progress:
        found = run.run_consolidation(
            facts, steps, jobs=run.JOBS if jobs is None else split(jobs),
            settings=None if methods is None else split(methods), seeds=seeds,
            base=Base(model, device, dtype), seed=seed,
            command="mnemon " + " ".join(sys.argv[1:]), progress=progress,
        )  # fmt: skip
    text = report.render(found)
    for file in reports.write(found, text, out) if out is not None else ():
        click.echo(f"wrote {file}", err=True)
    if json_:
        serial.show(found)
    elif layout.is_terminal():
        for job in dict.fromkeys(one.job for one in found.rows):
            head, *body = report.rows(found, job)
            layout.table(head, body)
    else:
        click.echo(text, nl=False)
