"""`mnemon methods`."""

from __future__ import annotations

import json
from typing import Any

import click

from mnemon.cli import layout, serial
from mnemon.wire.plain import plain


@click.command("methods")
@click.argument("slot", required=False)
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def command(slot: str | None, json_: bool) -> None:
    """List the methods, of all slots or of SLOT.

    For a SLOT also each method's options and their defaults.
    """
    from mnemon import methods
    from mnemon.cli import slots

    found: list[dict[str, Any]] = [
        {"slot": one, "name": name, "summary": slots.summary(one, name)}
        | ({"options": slots.options(one, name)} if slot else {})
        for one in ([slot] if slot else methods.slots())
        for name in methods.names(one)
    ]
    if json_:
        serial.show(found)
    elif slot is None:
        rows = [(one["slot"], one["name"], one["summary"]) for one in found]
        layout.table(("SLOT", "NAME", "WHAT IT DOES"), rows)
    else:
        for one in found:
            click.echo(click.style(one["name"], bold=True))
            click.echo(layout.indented(str(one["summary"]), 4))
            for option, default in one["options"].items():
                click.echo(f"    --option {option}={_typed(default)}")


def _typed(default: object) -> str:
    """A default as it would be typed on the command line."""
    return default if isinstance(default, str) else json.dumps(plain(default))
