"""`mnemon link`."""

from __future__ import annotations

import click

from mnemon.cli import exits, ids, options, pairs, serial
from mnemon.cli.settings import Settings


@click.command("link")
@click.argument("src")
@click.argument("type")
@click.argument("dst")
@click.option("--weight", type=float, default=1.0, show_default=True)
@options.meta
@click.option("--remove", is_flag=True, help="End the link instead.")
@options.as_json
@options.place
def command(
    settings: Settings, src: str, type: str, dst: str, weight: float,
    metadata: tuple[str, ...], remove: bool, json_: bool,
) -> None:  # fmt: skip
    """Link the cube SRC to the cube DST.

    TYPE is next, about, supersedes … or a word of your own.
    """
    with settings.existing() as memory:
        src, dst = ids.resolve(memory, src), ids.resolve(memory, dst)
        if remove:
            if not memory.unlink(src, type, dst):
                click.echo("there is no such link", err=True)
                raise click.exceptions.Exit(exits.NOTHING)
            return
        link = memory.link(src, type, dst, weight=weight, metadata=pairs.parse(metadata))
    if json_:
        serial.show(link)
    else:
        click.echo(f"{link.src} {link.type} {link.dst}")
