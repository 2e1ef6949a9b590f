"""`mnemon bench weights`: facts in a model's weights."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mnemon.bench.weights.sizes import DEFAULT, SECTIONS
from mnemon.cli import layout, options, pairs
from mnemon.cli.progress import bar


@click.command("weights")
@click.option(
    "--facts", type=click.IntRange(2), default=200, show_default=True, help="Told and trained."
)
@click.option(
    "--forget", type=click.IntRange(1), default=10, show_default=True, metavar="N",
    help="Forgotten afterwards, chosen at random.",
)  # fmt: skip
@click.option(
    "--probes", type=click.IntRange(1), default=12, show_default=True, metavar="N",
    help="Of each recall task, for what training may break.",
)  # fmt: skip
@click.option(
    "--swaps", type=click.IntRange(10), default=1000, show_default=True, metavar="N",
    help="Of adapters, to be timed.",
)  # fmt: skip
@click.option(
    "--method", default="lora", show_default=True, metavar="NAME",
    help="Of `mnemon methods weights.write`.",
)  # fmt: skip
@click.option(
    "--phrasings", type=click.IntRange(1, 3), default=1, show_default=True, metavar="N",
    help="Of each trained question.",
)  # fmt: skip
@click.option(
    "--sections", default=",".join(DEFAULT), show_default=True, metavar="NAMES",
    help=f"Of {', '.join(SECTIONS)}, with commas between; or all.",
)  # fmt: skip
@click.option(
    "--model", default="recall-lm", show_default=True, metavar="NAME",
    help="recall-lm, nano, or a shape of random weights: llama-1b, llama-mini.",
)  # fmt: skip
@options.method_options
@options.base_device
@options.dtype
@options.out
@options.seed
@options.as_json
def weights(
    facts: int, forget: int, probes: int, swaps: int, method: str, phrasings: int,
    sections: str, model: str, options: tuple[str, ...], device: str, dtype: str | None,
    out: Path | None, seed: int, json_: bool,
) -> None:  # fmt: skip
    """Measure what a model answers from its weights, what training breaks, and forgetting.

    The facts are those of the section lifecycle; the others have sizes of their own.
    docs/measurements/weights.md says what each figure means.
    """
    from mnemon.models.extras import require

    for name in ("torch", "transformers", "safetensors", "peft"):
        require(name, name, "weights")
    from mnemon.bench.bases import Base
    from mnemon.bench.weights import report, run

    with bar("measuring") as progress:
        found = run.run_weights(
            facts, forget, each=probes, swaps=swaps, method=method,
            phrasings=phrasings, base=Base(model, device, dtype),
            sections=SECTIONS if sections == "all" else sections.split(","), seed=seed,
            command="mnemon " + " ".join(sys.argv[1:]), progress=progress,
            **pairs.options("weights.write", method, options),
        )  # fmt: skip
    for file in report.save(found, out) if out is not None else ():
        click.echo(f"wrote {file}", err=True)
    if json_:
        click.echo(report.to_json(found), nl=False)
    elif layout.is_terminal():
        for title, rows in report.all_tables(found):
            click.echo(f"\n{title}")
            layout.table(rows[0], rows[1:])
    else:
        click.echo(report.render(found), nl=False)
