"""`mnemon compile`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import exits, layout, options, serial
from mnemon.cli import ids as names
from mnemon.cli.progress import bar
from mnemon.cli.settings import Settings

if TYPE_CHECKING:
    from mnemon.compiling import CompileReport
    from mnemon.memory import Memory


@click.command("compile")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options.filters
@click.option("--query", help="What `mnemon search` finds for it, instead.")
@click.option("-k", type=click.IntRange(1), default=10, show_default=True, help="How many of it.")
@click.option("--all", "everything", is_flag=True, help="All of the namespace.")
@click.option(
    "--model", required=True, metavar="PATH_OR_NAME",
    help="recall-lm or nano (in the package), a folder, or a name on the Hugging Face hub.",
)  # fmt: skip
@click.option("--form", default="kv", show_default=True, help="What to compile to: kv, or weights.")
@click.option(
    "--alias", default="current", show_default=True,
    help="Of weights: the name that points at what is promoted.",
)  # fmt: skip
@click.option(
    "--ask", metavar="TEXT",
    help="Of weights: how the model is asked, as 'Q: {question} A:'; by default by its chat "
    "template, if it has one.",
)  # fmt: skip
@click.option("--policy", metavar="FORM", help="A low-bit form, as kivi(bits=4); default: exact.")
@click.option(
    "--to", metavar="PLACE",
    help="A folder, or a URL (redis://, s3://, …); by default a folder beside the store.",
)  # fmt: skip
@click.option(
    "--device", help="Where the model computes, as cuda; by default a GPU if there is one."
)
@options.program
@options.as_json
@options.place
def command(
    settings: Settings, ids: tuple[str, ...], query: str | None, k: int, everything: bool,
    model: str, form: str, alias: str, ask: str | None, policy: str | None, to: str | None,
    device: str | None, json_: bool, **chosen: Any,
) -> None:  # fmt: skip
    """Compute keys and values of cubes, or weights, once.

    Keys and values of each cube's text are computed once and kept. With --form weights, facts are
    trained into adapters, which answer once a gate has let them. What is compiled and current is
    left alone, so an interrupted run is simply run again.
    """
    given = {name: value for name, value in chosen.items() if value}
    if sum((bool(ids), everything, bool(given or query))) != 1:
        raise click.UsageError(
            "say what to compile: ids, filters (with --query if you like) or --all"
        )
    given |= {} if query is None else {"query": query, "k": k}
    from mnemon.models.local.loading import load

    with settings.existing() if query is None else settings.asked() as memory:
        selection = names.resolve_all(memory, ids) if ids else given
        with bar("compiling") as progress:
            done = memory.compile(
                selection, load(_named(model), device=device), form, policy=policy, to=to,
                progress=progress, alias=alias, ask=ask,
            )  # fmt: skip
        _show(memory, done, json_)
    refused = done.promotion is not None and done.promotion.action != "promote"
    if refused or not done.compiled + done.fresh:
        raise click.exceptions.Exit(exits.NOTHING)


def _named(model: str) -> str | Path:
    return Path(model) if Path(model).is_dir() else model


def _show(memory: Memory, done: CompileReport, json_: bool) -> None:
    if json_:
        serial.show(done)
        return
    click.echo(
        f"compiled {layout.counted(done.compiled, 'cube')}: {done.tokens:,} tokens, "
        f"{done.bytes / 1e6:,.1f} MB in {done.place}; {done.fresh} compiled already, "
        f"{len(done.skipped)} skipped; {done.seconds:.1f} s"
    )
    if (line := done.promotion) is not None:
        points = f"{line.alias!r} points at {layout.counted(len(line.members), 'adapter')}"
        click.echo(f"{points}: {line.why}", err=line.action != "promote")
    for id, why in done.skipped:
        click.echo(f"{names.short(id)}  {why}", err=True)
