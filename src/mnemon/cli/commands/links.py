"""`mnemon links`."""

from __future__ import annotations

import click

from mnemon.cli import exits, ids, layout, options, serial
from mnemon.cli.settings import Settings


@click.command("links")
@click.argument("id")
@options.as_of
@options.as_json
@options.place
def command(settings: Settings, id: str, as_of: str | None, json_: bool) -> None:
    """Print the links from and to a cube, oldest first."""
    with settings.existing() as memory:
        found = memory.links(ids.resolve(memory, id), as_of=as_of)
    if json_:
        serial.show(found)
    elif found:
        rows = [(ids.short(one.src), one.type, ids.short(one.dst), one.weight) for one in found]
        layout.table(("SRC", "TYPE", "DST", "WEIGHT"), rows)
    if not found:
        click.echo("it has no links", err=True)
        raise click.exceptions.Exit(exits.NOTHING)
