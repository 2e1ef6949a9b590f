"""`mnemon forget --person`: shows what would go, asks, purges, and gives a receipt."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from mnemon.cli import exits, layout, serial
from mnemon.cli.settings import Settings
from mnemon.cube import Receipt
from mnemon.errors import PurgeIncomplete
from mnemon.memory import Memory
from mnemon.persons import PersonReceipt
from mnemon.server.audit.entry import digest_of
from mnemon.store.address import is_server
from mnemon.wire.plain import plain


def forget(
    settings: Settings, names: tuple[str, ...], *, dry_run: bool, yes: bool, json_: bool,
    to: Path | None,
) -> None:  # fmt: skip
    """Purge a person from the namespace of the command."""
    if not (yes or dry_run or sys.stdin.isatty()):
        raise click.UsageError("forgetting without a terminal to ask on needs --yes (or --dry-run)")
    with settings.existing() as memory:
        plan = memory.forget_person(names, dry_run=True)
        if dry_run or not plan.cubes:
            _show(plan, json_)
            raise click.exceptions.Exit(exits.OK if plan.cubes else exits.NOTHING)
        if not yes:
            _show(plan, json_=False, err=True)
            if not click.confirm(f"purge {_counts(plan)} for good?", err=True):
                click.echo("nothing was forgotten", err=True)
                raise click.exceptions.Exit(exits.NOTHING)
        _show(_carried_out(settings, memory, names, to), json_)


def _carried_out(
    settings: Settings, memory: Memory, names: tuple[str, ...], to: Path | None
) -> PersonReceipt:
    if to is not None:
        to.touch()  # a receipt that cannot be written is told before anything is gone
    try:
        done = memory.forget_person(names)
    except PurgeIncomplete as error:
        if isinstance(error.receipt, Receipt):
            _audit(settings, memory, "failed", error.receipt)
        raise
    told = plain(done)
    _audit(settings, memory, "done", done)
    if to is not None:
        to.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    return done


def _audit(
    settings: Settings, memory: Memory, outcome: str, receipt: Receipt | PersonReceipt
) -> None:
    if is_server(settings.address):  # which keeps a log of its own
        return
    settings.tell(
        "forget", outcome, namespace=memory.namespace, ids=receipt.ids,
        receipt=digest_of(plain(receipt)), detail={"purged": True, "person": True},
    )  # fmt: skip


def _show(receipt: PersonReceipt, json_: bool, err: bool = False) -> None:
    if json_:
        serial.show(receipt)
        return
    verb = "would purge" if receipt.dry_run else "purged"
    click.echo(f"{verb} {_counts(receipt)}", err=err)
    for seen in receipt.sample:
        click.echo(f"{seen.id[-8:]}  {seen.why:5}  {layout.line(seen.content)}", err=err)
    if receipt.left:
        left = layout.counted(receipt.left, "cube")
        click.echo(f"{left} stay: their policy keeps them from you", err=True)
    if receipt.possible:
        words = ", ".join(f"{word} ({count})" for word, count in receipt.possible)
        click.echo(f"may mean them, and stays unless you add it with --person: {words}", err=True)
    if receipt.paths:
        click.echo(f"namespaces that name them: {', '.join(receipt.paths)}", err=True)


def _counts(receipt: PersonReceipt) -> str:
    return (
        f"{layout.counted(receipt.cubes, 'cube')}: {receipt.said} said, {receipt.named} that name "
        f"them, {receipt.derived} derived; {layout.counted(receipt.versions, 'version')}, "
        f"{layout.counted(receipt.links, 'link')}, {layout.counted(receipt.artifacts, 'artifact')}"
    )
