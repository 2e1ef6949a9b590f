"""`mnemon restore`."""

from __future__ import annotations

import click

from mnemon.cli import ids, layout, options, serial
from mnemon.cli.settings import Settings


@click.command("restore")
@click.argument("id")
@click.option("--version", type=int, help="Which one; by default the last.")
@options.as_json
@options.place
def command(settings: Settings, id: str, version: int | None, json_: bool) -> None:
    """Bring back an old version, or a forgotten cube.

    It becomes the newest version.
    """
    with settings.existing() as memory:
        cube = memory.restore(ids.resolve(memory, id), version)
    if json_:
        serial.show(cube)
    else:
        click.echo(f"{cube.id} version {cube.version}: {layout.line(cube.content)}")
