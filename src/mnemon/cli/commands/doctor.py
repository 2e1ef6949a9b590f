"""`mnemon doctor`."""

from __future__ import annotations

import click

from mnemon.cli import exits, layout, options, serial
from mnemon.cli.settings import Settings

_MARKS = {True: ("ok", "green"), None: ("--", "yellow"), False: ("!!", "red")}
_NAME = 22  # leaves room for the longest pip line in 80 columns


@click.command("doctor")
@options.as_json
@options.place
def command(settings: Settings, json_: bool) -> None:
    """Tell what is installed and how the store is.

    The exit code is 1 when something that is needed is missing.
    """
    from mnemon.cli.checkup import findings

    found = findings(settings.address, settings.api_key)
    if json_:
        serial.show(found)
    else:
        part = ""
        for one in found:
            if one.part != part:
                part = one.part
                click.secho(part, bold=True)
            mark, color = _MARKS[one.ok]
            text = layout.indented(one.found, _NAME + 6).lstrip()
            click.echo(f"  {click.style(mark, fg=color)}  {one.name:<{_NAME - 1}} {text}")
    if any(one.ok is False for one in found):
        click.echo("something that is needed is missing: see the lines marked !!", err=True)
        raise click.exceptions.Exit(exits.NOTHING)
