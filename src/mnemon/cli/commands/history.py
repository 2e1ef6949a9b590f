"""`mnemon history`."""

from __future__ import annotations

import click

from mnemon.cli import ids, layout, options, serial
from mnemon.cli.settings import Settings


@click.command("history")
@click.argument("id")
@options.as_json
@options.place
def command(settings: Settings, id: str, json_: bool) -> None:
    """Print all versions of a cube, oldest first.

    Also of a forgotten one; not of a purged one.
    """
    with settings.existing() as memory:
        versions = memory.history(ids.resolve(memory, id))
    if json_:
        serial.show(versions)
        return
    rows = [
        (
            cube.version,
            layout.minute(cube.recorded_at),
            layout.minute(cube.retired_at) if cube.retired_at else "current",
            cube.provenance.producer,
            cube.content,
        )
        for cube in versions
    ]
    layout.table(("VERSION", "RECORDED", "RETIRED", "PRODUCER", "TEXT"), rows)
