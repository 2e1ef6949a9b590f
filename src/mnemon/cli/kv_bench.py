"""`mnemon bench kv`: KV policies on a model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import exits, layout
from mnemon.cli.lists import numbers, split
from mnemon.cli.progress import bar

if TYPE_CHECKING:
    from mnemon.bench.kv.loading import Which
    from mnemon.bench.kv.run import KVTable, Plan

_file = click.Path(path_type=Path, dir_okay=False)

_OPTIONS = (
    click.option(
        "--model", default="recall-lm", show_default=True, metavar="NAME",
        help="recall-lm, its small sibling nano, a folder, or a name on the Hugging Face hub.",
    ),
    click.option("--tasks", metavar="NAME,…", help="Only these; all if not given."),
    click.option(
        "--regimes", default="agnostic", show_default=True, metavar="NAME,…",
        help="Of agnostic, aware, shared, turns, decode, perplexity.",
    ),
    click.option(
        "--lengths", default="1024", show_default=True, metavar="N,…",
        help="Tokens of context and questions; words for another model than recall-lm.",
    ),
    click.option(
        "--policies", default="table", show_default=True, metavar="POLICY,…",
        help="Such as snapkv+kivi(bits=4),recency@0.5/0.25 (with budgets of its own); table: a "
        "list of well-known ones.",
    ),
    click.option(
        "--budgets", default="0.5,0.25,0.1", show_default=True, metavar="BUDGET,…",
        help="Fractions of the full cache's bytes (0.25), tokens (1024) or bytes (512MB).",
    ),
    click.option(
        "--samples", type=click.IntRange(1), default=16, show_default=True,
        help="Contexts of each task and length.",
    ),
    click.option(
        "--tokens", type=click.IntRange(32), default=2048, show_default=True, metavar="N",
        help="After the context, in the regime decode; the length counts them in.",
    ),
    click.option("--no-speed", is_flag=True, help="Take no times."),
    click.option(
        "--batches", default="1", show_default=True, metavar="N,…",
        help="Sequences at once when times are taken.",
    ),
    click.option(
        "--workers", type=click.IntRange(1), default=1, show_default=True,
        help="Processes that share the device; for a small model on a GPU.",
    ),
    click.option("--device", default="cpu", show_default=True, metavar="NAME"),
    click.option("--dtype", metavar="NAME", help="By default float32 on a CPU, else bfloat16."),
    click.option(
        "--batch-tokens", type=click.IntRange(1), metavar="N",
        help="Of a batch, at most; by default 8192 on a CPU, else 65536.",
    ),
    click.option(
        "--out", type=click.Path(path_type=Path, file_okay=False),
        help="Save rows, record, report and pictures in this folder.",
    ),
    click.option("--resume", is_flag=True, help="Measure only what the rows in --out lack."),
    click.option(
        "--merge", multiple=True, type=_file, metavar="FILE",
        help="Also show rows measured elsewhere on the same samples; may be repeated.",
    ),
    click.option("--only-merge", is_flag=True, help="Measure nothing; show what --merge names."),
    click.option(
        "--export-samples", type=_file, metavar="FILE",
        help="Measure nothing; write the samples (gzipped if the name ends in .gz).",
    ),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
    click.option("--json", "json_", is_flag=True, help="Print JSON."),
)  # fmt: skip


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("kv")
@_with_options
def kv(**told: Any) -> None:
    """Measure what policies of the KV cache keep, cost, and still know.

    Tasks of recall, asked of a model whose cache is compressed. docs/kv-bench.md says what each
    column means.
    """
    from mnemon.models.extras import require

    for name in ("torch", "transformers"):
        require(name, name, "kv")
    from mnemon.bench.kv import exporting, run
    from mnemon.bench.kv.policies import select

    plan, which = _plan(told), _which(told)
    if (file := told["export_samples"]) is not None:
        tokenizer = which.tokenizer()
        count = exporting.export(plan.cells(select(plan.policies)), file, which.model, tokenizer)
        click.echo(f"wrote {file}: {count} samples", err=True)
        return
    line = "mnemon " + " ".join(sys.argv[1:])
    if told["only_merge"]:
        found = run.gathered(told["merge"], line)
    else:
        with bar("measuring") as progress:
            found = run.run_kv(
                plan, which, out=told["out"], resume=told["resume"], merge=told["merge"],
                workers=told["workers"], command=line, progress=progress,
            )  # fmt: skip
    _show(found, told["out"], told["json_"])


def _plan(told: dict[str, Any]) -> Plan:
    from mnemon.bench.kv.run import Plan
    from mnemon.bench.recall.sampling import TASKS

    return Plan(
        tasks=split(told["tasks"]) if told["tasks"] else TASKS,
        regimes=split(told["regimes"]),
        lengths=numbers(told["lengths"]),
        policies=told["policies"],
        budgets=split(told["budgets"]),
        samples=told["samples"],
        tokens=told["tokens"],
        batches=() if told["no_speed"] else numbers(told["batches"]),
        seed=told["seed"],
    )


def _which(told: dict[str, Any]) -> Which:
    from mnemon.bench.kv.loading import Which

    dtype = told["dtype"] or ("float32" if told["device"] == "cpu" else "bfloat16")
    return Which(told["model"], told["device"], dtype, told["batch_tokens"])


def _show(found: KVTable, out: Path | None, json_: bool) -> None:
    from mnemon.bench.kv import report

    for file in report.save(found, out) if out is not None else ():
        click.echo(f"wrote {file}", err=True)
    if json_:
        click.echo(report.to_json(found), nl=False)
    elif layout.is_terminal():
        for title, rows in report.brief(found):
            click.echo(f"\n{title}")
            layout.table(rows[0], rows[1:])
    else:
        click.echo(report.render(found), nl=False)
    if failed := sum(bool(row.failed) for row in found.rows):
        click.echo(f"{failed} cells failed: the report says how", err=True)
        raise click.exceptions.Exit(exits.NOTHING)
