"""`mnemon update`."""

from __future__ import annotations

from typing import Any

import click

from mnemon.cli import ids, layout, options, pairs, serial
from mnemon.cli.settings import Settings


@click.command("update")
@click.argument("id")
@click.argument("text", required=False)
@click.option("--version", type=int, help="The version you read: refuse if it is not the latest.")
@click.option("--kind")
@click.option("--speaker")
@click.option("--session")
@click.option("--at", metavar="TIME", help="When it was true.")
@click.option("--valid-to", metavar="TIME", help="When it stopped being true.")
@click.option("--source")
@options.meta
@options.as_json
@options.place
def command(
    settings: Settings, id: str, text: str | None, version: int | None,
    metadata: tuple[str, ...], json_: bool, **given: str | None,
) -> None:  # fmt: skip
    """Write a new version of a cube.

    The past stays and can be asked. --meta replaces all of the metadata.
    """
    changes: dict[str, Any] = {name: one for name, one in given.items() if one is not None}
    if metadata:
        changes["metadata"] = pairs.parse(metadata)
    if text is not None:
        changes["content"] = text
    if not changes:
        raise click.UsageError("nothing changes: give a TEXT, or one of the options")
    with settings.existing() as memory:
        cube = memory.update(ids.resolve(memory, id), version=version, **changes)
    if json_:
        serial.show(cube)
    else:
        click.echo(f"{cube.id} version {cube.version}: {layout.line(cube.content)}")
