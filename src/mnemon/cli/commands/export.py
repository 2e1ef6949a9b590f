"""`mnemon export`."""

from __future__ import annotations

from pathlib import Path

import click

from mnemon.cli import layout, options, serial
from mnemon.cli.settings import Settings


@click.command("export")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--artifacts", is_flag=True,
    help="With what is compiled: small artifacts whole, others as recipes.",
)  # fmt: skip
@options.as_json
@options.place
def command(settings: Settings, path: Path, artifacts: bool, json_: bool) -> None:
    """Write the memory to one portable file.

    The whole store, or with --namespace only that namespace: all versions, links and policies.
    Gzipped if PATH ends in .gz.
    """
    with settings.existing() as memory:
        counts = memory.export(path, namespace=settings.namespace, artifacts=artifacts)
    if json_:
        serial.show({"path": str(path), **counts})
    else:
        told = ", ".join(layout.counted(n, word) for word, n in counts.items())
        click.echo(f"wrote {path}: {told}")
