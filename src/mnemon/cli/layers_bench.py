"""`mnemon bench layers`: trained memory modules."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mnemon.cli import layout, options, serial
from mnemon.cli.lists import decimals, split
from mnemon.cli.progress import bar


@click.command("layers")
@click.option(
    "--seeds", type=click.IntRange(1), default=2, show_default=True,
    help="Worlds, decoders and memories.",
)  # fmt: skip
@click.option(
    "--steps", type=click.IntRange(1), default=160, show_default=True, help="Of training."
)
@click.option(
    "--facts", type=click.IntRange(1), default=16, show_default=True, metavar="N",
    help="Of each of 16 topics.",
)  # fmt: skip
@click.option(
    "--taught", type=click.IntRange(0), default=20, show_default=True, metavar="N",
    help="Facts for a memory on the small bundled model; 0 leaves that out.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True,
    help="Processes that train at once, of one thread each.",
)  # fmt: skip
@click.option(
    "--rates", metavar="X,…", default="0.01", show_default=True,
    help="Of training; of several, the best for each on a seed held aside.",
)  # fmt: skip
@click.option("--only", metavar="NAME,…", help="Of the lines of the table; all if not given.")
@options.out
@options.seed
@options.as_json
def layers(
    seeds: int, steps: int, facts: int, taught: int, jobs: int, rates: str, only: str | None,
    out: Path | None, seed: int, json_: bool,
) -> None:  # fmt: skip
    """Measure memory modules beside models of equal parameters or operations.

    docs/weights-layer.md says what each is.
    """
    from mnemon.models.extras import require

    for name in ("torch", "transformers", "safetensors"):
        require(name, name, "weights")
    from mnemon.bench import report as reports
    from mnemon.bench.layers import report, run

    with bar("measuring") as progress:
        found = run.run_layers(
            seeds, seed=seed, steps=steps, facts=facts, taught=taught, jobs=jobs,
            rates=decimals(rates),
            only=None if only is None else split(only),
            command="mnemon " + " ".join(sys.argv[1:]), progress=progress,
        )  # fmt: skip
    text = report.render(found)
    for file in reports.write(found, text, out) if out is not None else ():
        click.echo(f"wrote {file}", err=True)
    if json_:
        serial.show(found)
    elif layout.is_terminal():
        for head, *body in filter(None, (report.rows(found), report.frozen(found))):
            layout.table(head, body)
    else:
        click.echo(text, nl=False)
