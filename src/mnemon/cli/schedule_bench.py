"""`mnemon bench schedule`: what keeping keys and values costs, by policy."""

from __future__ import annotations

from pathlib import Path

import click

from mnemon.cli import layout, options, serial
from mnemon.cli.lists import split
from mnemon.cli.progress import bar
from mnemon.errors import InvalidInput


@click.command("schedule")
@click.option(
    "--data", type=click.Path(path_type=Path),
    help="locomo10.json, for traces of its questions; by default the bundled sample.",
)  # fmt: skip
@click.option(
    "--policies", metavar="NAME,…",
    help="Of `mnemon methods schedule.policies`, besides ours and the classical ones; all if not "
    "given.",
)  # fmt: skip
@click.option(
    "--budgets", default="2:8,5:20,10:50", show_default=True, metavar="HOST:DISK,…",
    help="Percent of the bytes of all cubes.",
)  # fmt: skip
@click.option(
    "--price", "prices", default="0.25,1", show_default=True, metavar="PRICE,…",
    help="Of a second in the background, in seconds waited; the first one counts.",
)  # fmt: skip
@click.option(
    "--measure", is_flag=True,
    help="Measure costs here, with the bundled recall model; else those that Mnemon comes with.",
)  # fmt: skip
@options.out
@options.seed
@options.as_json
def schedule(
    data: Path | None, policies: str | None, budgets: str, prices: str, measure: bool,
    out: Path | None, seed: int, json_: bool,
) -> None:  # fmt: skip
    """Measure what policies of scheduling cost on traces.

    Each question waits for the keys and values of the cubes it uses. docs/scheduling.md says what
    each column means.
    """
    from mnemon.bench import inputs, report
    from mnemon.bench.schedule.measuring import measured
    from mnemon.bench.schedule.report import ratios, render
    from mnemon.bench.schedule.run import run_schedule

    line = inputs.command(
        "schedule", data, policies=policies, budgets=budgets, price=prices, seed=seed
    ) + (" --measure" if measure else "")
    with bar("simulating") as progress:
        found = run_schedule(
            data, policies=None if policies is None else split(policies),
            budgets=[_budget(one) for one in split(budgets)],
            prices=[_number(one) for one in split(prices)], costs=measured() if measure else None,
            seed=seed, command=line, progress=progress,
        )  # fmt: skip
    text = render(found)
    for file in report.write(found, text, out) if out is not None else ():
        click.echo(f"wrote {file}", err=True)
    if json_:
        serial.show(found)
    elif layout.is_terminal():
        head, *rows = ratios([row for row in found.rows if row.price == found.prices[0]])
        layout.table(head, rows)
    else:
        click.echo(text, nl=False)


def _budget(told: str) -> tuple[float, float]:
    host, colon, disk = told.partition(":")
    if not colon:
        raise InvalidInput(f"{told!r} is no budget: write percent of host and disk, such as 5:20")
    return _number(host), _number(disk)


def _number(told: str) -> float:
    try:
        found = float(told)
    except ValueError:
        raise InvalidInput(f"{told!r} is no number") from None
    if not 0 <= found < float("inf"):
        raise InvalidInput(f"{told!r} is no budget or price: it is 0 or more")
    return found
