"""`mnemon bench latent`: memories in latent states."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mnemon.cli import layout, options
from mnemon.cli.lists import split
from mnemon.cli.progress import bar


@click.command("latent")
@click.option(
    "--only", metavar="NAME,…", help="Of larimar, ntk-attention and pool (memoryllm and m-plus)."
)
@click.option(
    "--full", is_flag=True, help="The bundled model; by default its small sibling, far cheaper."
)
@click.option("--brief", is_flag=True, help="The smallest run that shows that it works.")
@click.option("--long", is_flag=True, help="Pools by the long recipe: minutes of a CUDA device.")
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="NAME",
    help="Where pools are trained, such as cuda; with `--only pool`.",
)
@options.out
@options.seed
@options.as_json
def latent(
    only: str | None, full: bool, brief: bool, long: bool, device: str, out: Path | None,
    seed: int, json_: bool,
) -> None:  # fmt: skip
    """Measure what a model answers from latent memories, and how exactly they forget.

    docs/measurements/latent.md says what each figure means.
    """
    from mnemon.models.extras import require

    for name in ("torch", "transformers", "safetensors"):
        require(name, name, "weights")
    from mnemon.bench.latent import report, run

    with bar("measuring") as progress:
        found = run.run_latent(
            None if only is None else split(only), nano=not full, seed=seed, brief=brief,
            long=long, device=device, command="mnemon " + " ".join(sys.argv[1:]),
            progress=progress,
        )  # fmt: skip
    for file in report.save(found, out) if out is not None else ():
        click.echo(f"wrote {file}", err=True)
    if json_:
        click.echo(report.to_json(found), nl=False)
        return
    if not layout.is_terminal():
        click.echo(report.render(found), nl=False)
        return
    for title, (head, *body) in report.tables(found):
        click.echo(title)
        layout.table(head, body)
