"""`mnemon bench text`, `speed` and `serve`; others: cli/{honesty,recalling,*_bench}.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mnemon.cli import (
    consolidation_bench,
    honesty,
    kv_bench,
    latent_bench,
    layers_bench,
    layout,
    pool_bench,
    recalling,
    reuse_bench,
    schedule_bench,
    serial,
    weights_bench,
)
from mnemon.cli.lists import numbers, split
from mnemon.cli.progress import bar

_out = click.option("--out", type=click.Path(path_type=Path), help="Save the record here.")
_seed = click.option("--seed", type=int, default=0, show_default=True)
_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")

# What 80 columns have room for.
_BRIEF = ("recall@1", "recall@5", "recall@10", "recall@50", "mrr", "recall@1000t")


@click.group("bench")
def command() -> None:
    """Measure how well, or how fast, a memory finds."""


for _one in (honesty.abstention, honesty.ablation, honesty.regimes, honesty.plot):
    command.add_command(_one)
for _one in (recalling.recall_lm, recalling.train_recall_lm):
    command.add_command(_one)
for _one in (kv_bench.kv, reuse_bench.reuse, schedule_bench.schedule):
    command.add_command(_one)
for _one in (weights_bench.weights, consolidation_bench.consolidation):
    command.add_command(_one)
for _one in (layers_bench.layers, latent_bench.latent, pool_bench.train_pool):
    command.add_command(_one)


@command.command("text")
@click.option(
    "--data", type=click.Path(path_type=Path),
    help="locomo10.json, or a folder like the bundled sample; by default that sample.",
)  # fmt: skip
@click.option(
    "--systems",
    metavar="NAME,…",
    help="Of `mnemon methods bench.recipes`; all if not given. Options so: mnemon:program=fused.",
)
@click.option("--limit", type=click.IntRange(1), help="Only the first so many questions.")
@click.option(
    "--out", type=click.Path(path_type=Path),
    help="Save record, report and plot in this folder; by default results/text-<task>.",
)  # fmt: skip
@_seed
@_json
def text(
    data: Path | None, systems: str | None, limit: int | None, out: Path | None, seed: int,
    json_: bool,
) -> None:  # fmt: skip
    """Measure which systems find the turns that hold an answer."""
    from mnemon.bench import report
    from mnemon.bench.text import run_text

    named = None if systems is None else split(systems)
    with bar("measuring") as progress:
        record = run_text(data, named, limit, progress and _unnamed(progress), seed=seed)
    for file in report.save(record, out or Path("results") / f"text-{record.task['id']}"):
        click.echo(f"wrote {file}", err=True)
    if layout.is_terminal() and not json_:
        layout.table(*_briefly(report.scores(record, _BRIEF)))
        click.echo("all scores are in report.md", err=True)
    else:
        _show(record, report.render, json_)


@command.command("speed")
@click.option(
    "--sizes", default="1000,10000", show_default=True, metavar="N,…",
    help="Cubes in the stores to measure; the last is also opened by fresh processes.",
)  # fmt: skip
@click.option(
    "--namespaces", type=click.IntRange(0), default=0, metavar="N",
    help="Also search one of so many namespaces of 20 cubes each.",
)  # fmt: skip
@click.option(
    "--vectors", type=click.IntRange(0), default=0, metavar="N",
    help="Also search so many vectors alone, without a store.",
)  # fmt: skip
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Keep stores of 50,000 cubes and more here, and use those that are there.",
)  # fmt: skip
@click.option(
    "--store", "url", metavar="URL",
    help="Measure this database beside the embedded store instead; it keeps nothing of it.",
)  # fmt: skip
@_out
@_seed
@_json
def speed(
    sizes: str, namespaces: int, vectors: int, folder: Path | None, url: str | None,
    out: Path | None, seed: int, json_: bool,
) -> None:  # fmt: skip
    """Measure how fast Mnemon adds, searches, recalls and opens."""
    from mnemon.bench import beside, scale

    if url is not None:
        found = beside.run_beside(url, numbers(sizes), seed)
        scale.save(found, out)
    else:
        found = scale.run_speed(
            numbers(sizes), out, seed, namespaces=namespaces, vectors=vectors, folder=folder
        )
    if out is not None:
        click.echo(f"wrote {out / 'speed.json'}", err=True)
    if layout.is_terminal() and not json_:
        layout.table(*_briefly(scale.rows(found)))
    else:
        _show(found, scale.render, json_)


@command.command("serve")
@click.option("--url", help="A server that runs already; by default one is started.")
@click.option("--api-key", envvar="MNEMON_API_KEY", help="What that server asks for.")
@click.option(
    "--cubes", type=click.IntRange(0), default=10_000, show_default=True, metavar="N",
    help="Cubes in the store that is served.",
)  # fmt: skip
@click.option(
    "--clients", type=click.IntRange(1), default=16, show_default=True,
    help="Connections that ask at once.",
)  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(0.1), default=10.0, show_default=True, help="Of each load."
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True,
    help="Processes of the server.",
)  # fmt: skip
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Keep the store here, and use it if it is there.",
)  # fmt: skip
@_out
@_seed
@_json
def serve(json_: bool, **told: Any) -> None:
    """Measure what a server answers a second, and what it costs.

    `wrk` asks, if it is installed; else a Python process, which needs a core of its own.
    """
    from mnemon.bench import load

    found = load.run_serve(**told)
    if told["out"] is not None:
        click.echo(f"wrote {told['out'] / 'serve.json'}", err=True)
    if json_:
        serial.show(found)
        return
    layout.table(*_briefly(load.rows(found)))
    held = [("idle", found.idle_mib), ("loaded", found.loaded_mib)]
    click.echo("; ".join(f"{name} {mib} MiB" for name, mib in held if mib is not None), err=True)


def _show(found: Any, render: Callable[[Any], str], json_: bool) -> None:
    if json_:
        serial.show(found)
    else:
        click.echo(render(found), nl=False)


def _briefly(rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    return rows[0], rows[1:]


def _unnamed(progress: Callable[[int, int], None]) -> Callable[[str, int, int], None]:
    return lambda system, done, total: progress(done, total)
