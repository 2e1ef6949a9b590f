"""`mnemon bench reuse`: kept keys and values, measured on the bundled model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mnemon.cli import layout
from mnemon.cli.progress import bar


@click.command("reuse")
@click.option("--model", default="recall-lm", show_default=True, metavar="NAME", help="Or nano.")
@click.option(
    "--tokens", type=int, default=4096, show_default=True, metavar="N", help="Of a prompt."
)
@click.option("--samples", type=int, metavar="N", help="Contexts of each part.")
@click.option("--repeats", type=int, metavar="N", help="Loads of each context; times are medians.")
@click.option("--turns", type=int, metavar="N", help="Of the chat.")
@click.option("--asked", type=int, metavar="N", help="Samples of each task of chunks.")
@click.option("--block", type=int, metavar="N", help="Tokens of a kept block.")
@click.option(
    "--threads", type=click.IntRange(1), metavar="N", help="Of torch; by default its own."
)
@click.option("--quick", is_flag=True, help="A smoke test: small numbers that mean nothing.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False),
    help="Save the record and the report in this folder.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def reuse(threads: int | None, quick: bool, out: Path | None, json_: bool, **told: Any) -> None:
    """Measure what it saves to keep keys and values, and that answers stay the same.

    docs/measurements/reuse.md says what each figure means.
    """
    from mnemon.bench.reuse import run
    from mnemon.bench.reuse.plan import Plan

    plan = Plan(**{name: one for name, one in told.items() if one is not None})
    line = "mnemon " + " ".join(sys.argv[1:])
    with bar("measuring") as progress:
        found = run.run_reuse(
            plan.quick() if quick else plan, threads=threads, command=line, progress=progress
        )
    from mnemon.bench.reuse import report

    for file in report.save(found, out) if out is not None else ():
        click.echo(f"wrote {file}", err=True)
    if json_:
        click.echo(report.to_json(found), nl=False)
    elif layout.is_terminal():
        for title, rows in report.tables(found):
            click.echo(f"\n{title}")
            layout.table(rows[0], rows[1:])
    else:
        click.echo(report.render(found), nl=False)
