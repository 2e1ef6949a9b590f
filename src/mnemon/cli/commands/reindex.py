"""`mnemon reindex`."""

from __future__ import annotations

import click

from mnemon.cli import options, pairs, serial
from mnemon.cli.progress import bar
from mnemon.cli.settings import Settings


@click.command("reindex")
@click.option(
    "--embedder",
    metavar="NAME",
    help="One that `mnemon methods models.embed` lists; by default the store's own, to fill gaps.",
)
@options.method_options
@click.option("--keep", is_flag=True, help="Keep the old vectors beside the new ones.")
@options.as_json
@options.place
def command(
    settings: Settings, embedder: str | None, options: tuple[str, ...], keep: bool, json_: bool
) -> None:
    """Move the store to another embedder.

    It can be searched meanwhile.
    """
    if options and embedder is None:
        raise click.UsageError("--option belongs to an --embedder: name one")
    made = None
    if embedder is not None:
        from mnemon import methods

        given = pairs.options("models.embed", embedder, options)
        made = methods.load("models.embed", embedder, **given)
    with settings.existing() as memory, bar("embedding") as progress:
        written = memory.reindex(made, keep=keep, progress=progress)
    if json_:
        serial.show({"vectors": written})
    else:
        click.echo(f"{written} vectors written")
