"""`mnemon forget`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import exits, layout, options, serial
from mnemon.cli import ids as names
from mnemon.cli.settings import Settings
from mnemon.errors import PurgeIncomplete

if TYPE_CHECKING:
    from mnemon.cube import Receipt
    from mnemon.memory import Memory

_SHOWN = 20
_STORED = ("text", "vectors")


@click.command("forget")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options.filters
@click.option(
    "--person", "persons", multiple=True, metavar="NAME",
    help="Purge a person: what they said and what names them. May be repeated for their names.",
)  # fmt: skip
@click.option(
    "--receipt", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the receipt of forgetting a person to this file, as JSON.",
)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="All of the namespace.")
@click.option("--purge", is_flag=True, help="Leave no byte of them in any file of the store.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be forgotten.")
@click.option("--verify", is_flag=True, help="Look afterwards whether any form still has them.")
@click.option(
    "--model", metavar="PATH_OR_NAME",
    help="With --verify: ask this model too, by recall and with every adapter that is left.",
)  # fmt: skip
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@options.as_json
@options.place
def command(
    settings: Settings, ids: tuple[str, ...], kind: tuple[str, ...],
    persons: tuple[str, ...], receipt: Path | None, everything: bool, purge: bool, dry_run: bool,
    yes: bool, json_: bool, verify: bool, model: str | None, **chosen: Any,
) -> None:  # fmt: skip
    """Forget cubes, and all that was derived from them.

    By id, or by what they are. Without --purge the past keeps them: `history`, `--as-of` and
    `restore` reach them. The namespace is only the scope: to forget all of it, say --all.
    """
    narrowed = bool(ids or kind or any(chosen.values()))
    if model is not None and not verify:
        raise click.UsageError("--model is for --verify")
    if persons:
        if narrowed or everything or verify:
            raise click.UsageError(
                "--person stands alone: leave ids, filters, --all and --verify out"
            )
        from mnemon.cli import persons as people

        people.forget(settings, persons, dry_run=dry_run, yes=yes, json_=json_, to=receipt)
        return
    if receipt is not None:
        raise click.UsageError("--receipt is for --person; --json prints any other receipt")
    if narrowed == everything:
        told = "ids, a filter or --all" if not narrowed else "either --all, or ids and filters"
        raise click.UsageError(f"say what to forget: {told}")
    if not (yes or dry_run or can_ask()):
        raise click.UsageError("forgetting without a terminal to ask on needs --yes (or --dry-run)")
    with settings.existing() as memory:
        wanted = names.resolve_all(memory, ids) or None
        chosen |= {"kind": kind or None, "namespace": memory.namespace}
        plan = memory.forget(wanted, **chosen, purge=purge, dry_run=True)
        if not plan.cubes:
            click.echo("nothing to forget fits", err=True)
        if dry_run or not plan.cubes:
            show(replace(plan, dry_run=dry_run), json_)
            raise click.exceptions.Exit(exits.OK if plan.cubes else exits.NOTHING)
        if not (yes or click.confirm(_question(plan, memory), err=True)):
            click.echo("nothing was forgotten", err=True)
            raise click.exceptions.Exit(exits.NOTHING)
        if verify:
            from mnemon.cli import verifying

            verifying.forget(memory, plan, model, json_)
        else:
            show(carried_out(memory, plan, json_), json_)


def can_ask() -> bool:
    """Whether somebody sits at a terminal to answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def _question(plan: Receipt, memory: Memory) -> str:
    verb = "purge for good" if plan.purged else "forget"
    return f"{verb} {_counts(plan)} of namespace {memory.namespace!r}?"


def carried_out(memory: Memory, plan: Receipt, json_: bool) -> Receipt:
    """Carry a planned forgetting out; what could not be finished is shown before it raises."""
    # By the planned ids: what came in after the question was asked is not meant.
    try:
        return memory.forget(plan.ids, purge=plan.purged)
    except PurgeIncomplete as error:
        if error.receipt is not None:
            show(error.receipt, json_)
        raise


def show(receipt: Any, json_: bool) -> None:
    """Print a receipt."""
    if json_:
        serial.show(receipt)
        return
    verb = "purged" if receipt.purged else "forgot"
    if receipt.dry_run:
        verb = "would purge" if receipt.purged else "would forget"
    click.echo(f"{verb} {_counts(receipt)}")
    for place in receipt.pending:
        click.echo(f"what was compiled may still lie in {place}: it cannot be reached", err=True)
    shown = receipt.ids[:_SHOWN] if layout.is_terminal() else receipt.ids
    for id in shown:
        click.echo(id)
    if len(shown) < len(receipt.ids):
        click.echo(f"… and {len(receipt.ids) - len(shown)} more", err=True)


def _counts(receipt: Receipt) -> str:
    counts = {
        "cube": receipt.cubes,
        "version": receipt.versions,
        "link": receipt.links,
        "artifact": receipt.artifacts,
    }
    if receipt.blobs:
        counts["blob"] = receipt.blobs
    told = ", ".join(layout.counted(n, word) for word, n in counts.items())
    made = [f"{n} {form}" for form, n in receipt.forms.items() if form not in _STORED]
    return f"{told} ({', '.join(made)})" if made else told
