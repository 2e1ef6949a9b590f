"""`mnemon places`."""

from __future__ import annotations

import click

from mnemon.cli import exits, layout, options, serial
from mnemon.cli.settings import Settings


@click.command("places")
@click.option(
    "--leave", metavar="ADDRESS",
    help="This place is no more: give up what waits to be removed there.",
)  # fmt: skip
@options.as_json
@options.place
def command(settings: Settings, leave: str | None, json_: bool) -> None:
    """Where bytes of compiled cubes lie outside of the store.

    With what was forgotten and waits to be removed there, because it could not be reached.
    """
    with settings.existing() as memory:
        if leave is not None:
            given_up = memory.artifacts.leave(leave)
            click.echo(f"left {leave}: {layout.counted(given_up, 'removal')} given up", err=True)
        found = memory.artifacts.places()
    if json_:
        serial.show(found)
        return
    rows = [(one.address, "yes" if one.reached else "no", f"{one.waiting:,}") for one in found]
    if not rows:
        click.echo("no places: nothing was compiled", err=True)
        raise click.exceptions.Exit(exits.OK if leave else exits.NOTHING)
    layout.table(("PLACE", "REACHED", "TO REMOVE"), rows)
