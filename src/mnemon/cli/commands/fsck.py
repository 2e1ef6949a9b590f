"""`mnemon fsck`."""

from __future__ import annotations

import click

from mnemon.cli import exits, options, serial
from mnemon.cli.settings import Settings


@click.command("fsck")
@click.option("--repair", is_flag=True, help="Mend what can be mended, then check.")
@options.as_json
@options.place
def command(settings: Settings, repair: bool, json_: bool) -> None:
    """Check every promise of the store.

    The exit code is 1 when one is broken.
    """
    with settings.existing() as memory:
        problems = memory.fsck(repair=repair)
    if json_:
        serial.show(problems)
    else:
        for problem in problems:
            click.echo(f"{problem.rule}: {problem.what}")
        told = f"{len(problems)} problems" if problems else "the store is sound"
        click.echo(told, err=True)
    if problems:
        if not repair and not json_:
            click.echo("mend what can be mended with `mnemon fsck --repair`", err=True)
        raise click.exceptions.Exit(exits.NOTHING)
