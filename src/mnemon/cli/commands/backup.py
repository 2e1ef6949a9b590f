"""`mnemon backup`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from mnemon.cli import layout, options, serial
from mnemon.cli.settings import Nothing, Settings
from mnemon.errors import StoreCorrupt


@click.command("backup")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--verify", is_flag=True, help="Unpack it again and check all of it.")
@options.as_json
@options.place
def command(settings: Settings, path: Path, verify: bool, json_: bool) -> None:
    """Write the store, its keys and audit log to one file.

    Of the store all of it, quotas, retention and holds too, as it is at one moment; a server and
    others may write meanwhile. Gzipped if PATH ends in .gz; `mnemon restore-backup` reads it.
    """
    from mnemon.server.backup import making, restoring

    file = settings.file()
    if not file.exists():
        raise Nothing(f"there is no store at {file} yet")
    told = making.make(file, path)
    detail = {"sequence": told.sequence}
    settings.tell("backup", cubes=told.cubes, detail=detail)
    problems = restoring.verify(path).problems if verify else ()
    if json_:
        serial.show({"path": str(path), "verified": verify and not problems, **asdict(told)})
    else:
        size = sum(one.bytes for one in told.members)
        click.echo(
            f"wrote {path}: {layout.counted(told.cubes, 'cube')} as of {told.at}, journal entry "
            f"{told.sequence}, {layout.counted(size, 'byte')}{', verified' if verify else ''}"
        )
    if problems:
        raise StoreCorrupt(f"{path} is not sound: {'; '.join(problems)}")
