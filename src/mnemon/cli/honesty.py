"""`mnemon bench abstention`, `ablation`, `regimes` and `plot`: what stands beside the scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mnemon.cli import layout, serial
from mnemon.cli.progress import bar
from mnemon.embedding import DEFAULT

_data = click.option(
    "--data", type=click.Path(path_type=Path),
    help="As for `mnemon bench text`; several conversations.",
)  # fmt: skip
_limit = click.option(
    "--limit", type=click.IntRange(1),
    help="At most so many questions of each conversation, spread evenly over it.",
)  # fmt: skip
_out = click.option(
    "--out", type=click.Path(path_type=Path),
    help="Save record and report in this folder; by default results/<command>-<task>.",
)  # fmt: skip
_seed = click.option("--seed", type=int, default=0, show_default=True)
_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")


@click.command("abstention")
@_data
@click.option(
    "--systems",
    metavar="NAME,…",
    help="As for `mnemon bench text`; by default all with scores, and mnemon:program=fused.",
)
@_limit
@_out
@_seed
@_json
def abstention(
    data: Path | None, systems: str | None, limit: int | None, out: Path | None, seed: int,
    json_: bool,
) -> None:  # fmt: skip
    """Measure whether scores tell what was never said."""
    from mnemon.bench import abstention_report
    from mnemon.bench.abstention import run_abstention

    named = None if systems is None else [one.strip() for one in systems.split(",") if one.strip()]
    with bar("asking") as progress:
        found = run_abstention(data, named, limit, _unnamed(progress), seed=seed)
    _told(found, found.task, "abstention", out, abstention_report, abstention_report.brief, json_)


@click.command("ablation")
@_data
@click.option(
    "--also", type=click.Path(path_type=Path),
    help="Data to fit the rankers on as well, never measured.",
)  # fmt: skip
@click.option("--embedder", default=DEFAULT, show_default=True, help="Of `models.embed`.")
@click.option(
    "--networks", type=click.IntRange(1), default=3, show_default=True,
    help="Each ranker is the mean of so many; fewer are faster and less steady.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Rows measured at once.",
)  # fmt: skip
@_limit
@_out
@_seed
@_json
def ablation(
    data: Path | None, also: Path | None, embedder: str, networks: int, jobs: int,
    limit: int | None, out: Path | None, seed: int, json_: bool,
) -> None:  # fmt: skip
    """Measure what each part of the default program is worth, one off at a time."""
    from mnemon.bench import ablation_report
    from mnemon.bench.ablation import run_ablation

    with bar("measuring") as progress:
        found = run_ablation(
            data, limit, _unnamed(progress),
            also=also, embedder=embedder, networks=networks, seed=seed, jobs=jobs,
        )  # fmt: skip
    _told(found, found.task, "ablation", out, ablation_report, ablation_report.rows, json_)


@click.command("regimes")
@_data
@click.option(
    "--program", default="default", show_default=True, help="Of `mnemon methods text.programs`."
)
@click.option("--together", is_flag=True, help="All conversations in one namespace.")
@_limit
@_out
@_seed
@_json
def regimes(
    data: Path | None, program: str, together: bool, limit: int | None, out: Path | None,
    seed: int, json_: bool,
) -> None:  # fmt: skip
    """Measure both sides of the sizes at which the way of finding changes."""
    from mnemon.bench import regimes as edges

    with bar("measuring") as progress:
        found = edges.run_regimes(
            data, limit, _unnamed(progress), program=program, together=together, seed=seed
        )
    _told(found, found.task, "regimes", out, edges, edges.rows, json_)


@click.command("plot")
@click.argument(
    "records", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True),
    metavar="PATH…",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), required=True,
    help="The picture: a file whose name ends in .svg or .png.",
)  # fmt: skip
def plot(records: tuple[Path, ...], out: Path) -> None:
    """Draw latency against size, or recall against returned tokens.

    PATH is a folder that `mnemon bench speed` or `mnemon bench text` wrote, or its speed.json or
    record.json; several of the same kind are drawn together.
    """
    from mnemon.bench.curves import draw_records

    click.echo(f"wrote {draw_records(records, out)}", err=True)


def _told(
    found: Any,
    task: Any,
    verb: str,
    out: Path | None,
    pages: Any,
    rows: Callable[[Any], list[list[str]]],
    json_: bool,
) -> None:
    """Save a finding, and print it: as a table on a terminal, else its report or JSON."""
    from mnemon.bench import report

    folder = out or Path("results") / f"{verb}-{task['id']}"
    for file in report.write(found, pages.render(found), folder):
        click.echo(f"wrote {file}", err=True)
    if json_:
        serial.show(found)
    elif layout.is_terminal():
        head, *body = rows(found)
        layout.table(head, body)
        click.echo("all figures are in report.md", err=True)
    else:
        click.echo(pages.render(found), nl=False)


def _unnamed(
    progress: Callable[[int, int], None] | None,
) -> Callable[[str, int, int], None] | None:
    return None if progress is None else lambda name, done, total: progress(done, total)
