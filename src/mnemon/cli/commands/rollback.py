"""`mnemon rollback`."""

from __future__ import annotations

import click

from mnemon.cli import exits, layout, options, serial
from mnemon.cli.commands.forget import can_ask
from mnemon.cli.settings import Settings
from mnemon.cube import Rollback


@click.command("rollback")
@click.option("--to", required=True, metavar="TIME", help="What the memory was at this moment.")
@click.option("--dry-run", is_flag=True, help="Only tell what would change.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@options.as_json
@options.place
def command(settings: Settings, to: str, dry_run: bool, yes: bool, json_: bool) -> None:
    """Make a namespace's text what it was at a moment.

    By new versions: nothing of the past is lost, and what was written since can be brought back in
    the same way. What was purged cannot come back. What was compiled from other versions is to be
    compiled again.
    """
    if not (yes or dry_run or can_ask()):
        raise click.UsageError("rolling back without a terminal needs --yes (or --dry-run)")
    with settings.existing() as memory:
        plan = memory.rollback(to, dry_run=True)
        asked = f"roll namespace {memory.namespace!r} back to {to}: {_counts(plan)}?"
        if not (dry_run or yes or click.confirm(asked, err=True)):
            click.echo("nothing was changed", err=True)
            raise click.exceptions.Exit(exits.NOTHING)
        done = plan if dry_run else memory.rollback(to)
    if json_:
        serial.show(done)
        return
    click.echo(f"{'would be' if done.dry_run else 'done'}: {_counts(done)}")
    for form, count in done.forms.items():
        click.echo(f"to be made again: {count} {form}", err=True)
    for id in (*done.purged, *done.lost):
        click.echo(f"cannot come back: {id}", err=True)


def _counts(done: Rollback) -> str:
    told = {"back": done.restored, "changed": done.revised, "retired": done.retired}
    cubes = ", ".join(f"{layout.counted(len(ids), 'cube')} {verb}" for verb, ids in told.items())
    links = done.linked + done.unlinked
    return f"{cubes}, {layout.counted(links, 'link')} changed"
