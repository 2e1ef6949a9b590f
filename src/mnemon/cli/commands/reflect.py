"""`mnemon reflect`."""

from __future__ import annotations

import click

from mnemon.cli import layout, options, serial
from mnemon.cli.progress import bar
from mnemon.cli.settings import Settings


@click.command("reflect")
@options.program
@options.as_json
@options.place
def command(settings: Settings, json_: bool) -> None:
    """Run the program's upkeep.

    It makes the records that some programs search, such as summaries, and ends what is over: see
    `mnemon methods text.programs`.
    """
    with settings.existing() as memory, bar("reflecting") as progress:
        done = memory.reflect(progress=progress)
    if json_:
        serial.show({"count": done})
    else:
        click.echo(f"{layout.counted(done, 'proposal')} carried out")
