"""`mnemon uninstall`."""

from __future__ import annotations

import click

from mnemon.cli import clients

_TOLD = {
    "absent": "is not installed in",
    "restored": "taken out; as it was before:",
    "removed": "taken out of",
    "deleted": "taken out; there was nothing else in",
}


@click.command("uninstall")
@clients.chosen
def command(client: str, project: bool) -> None:
    """Undo `mnemon install`.

    The agent's file becomes what it was. If it has changed since, only the
    entry is taken out. The memory itself is not touched.
    """
    from mnemon.server.mcp import installing

    known = clients.load(client)
    outcome = installing.uninstall(clients.file(known, project), known.keys)
    click.echo(f"{known.title}: {_TOLD[outcome.done]} {outcome.path}")
    if outcome.backup:
        click.echo(f"the copy from before installing stays in {outcome.backup}", err=True)
