"""`mnemon cat`."""

from __future__ import annotations

import click

from mnemon.cli import ids as names
from mnemon.cli import layout, options, serial
from mnemon.cli.settings import Settings


@click.command("cat")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--version", type=int, help="This version; by default the current one.")
@options.as_of
@options.as_json
@options.place
def command(
    settings: Settings, ids: tuple[str, ...], version: int | None, as_of: str | None, json_: bool
) -> None:
    """Print the content of cubes.

    With --json the whole cubes, as a list.
    """
    with settings.existing() as memory:
        cubes = [
            memory.get(id, version=version, as_of=as_of) for id in names.resolve_all(memory, ids)
        ]
    if json_:
        serial.show(cubes)
        return
    for cube in cubes:
        click.echo(layout.safe(cube.content) if layout.is_terminal() else cube.content)
