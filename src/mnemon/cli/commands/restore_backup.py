"""`mnemon restore-backup`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnemon.cli import exits, layout, options, serial
from mnemon.cli.settings import Settings

if TYPE_CHECKING:
    from mnemon.server.backup.manifest import Manifest


@click.command("restore-backup")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--tombstones", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Purge again what this store, later backup or whole export knows to be purged.",
)  # fmt: skip
@click.option("--verify", is_flag=True, help="Only check the backup; restore nothing.")
@options.as_json
@options.place
def command(
    settings: Settings, path: Path, tombstones: Path | None, verify: bool, json_: bool
) -> None:
    """Make a new store, at --store, of a backup.

    What was purged after the backup was made is in it, and comes back unless --tombstones says what
    it was. Keys that were revoked since work again.
    """
    if verify:
        _check(path, json_)
        return
    from mnemon.server.backup import purged, restoring

    file = settings.file()
    known = None if tombstones is None else purged.tombstones(tombstones)
    told = restoring.restore(path, file)
    again = 0 if known is None else purged.repeat(file, known)
    detail = {"sequence": told.sequence, "purged": again, "tombstones": tombstones is not None}
    settings.tell("restore-backup", cubes=told.cubes, detail=detail)
    if json_:
        serial.show({"store": str(settings.path), "at": told.at, **detail, "cubes": told.cubes})
    else:
        click.echo(
            f"restored {settings.path}: {layout.counted(told.cubes, 'cube')} as of {told.at}, "
            f"{layout.counted(again, 'cube')} purged again"
        )
    _warn(told, tombstones)


def _warn(told: Manifest, tombstones: Path | None) -> None:
    if tombstones is None:
        click.echo(
            f"it knows the {layout.counted(told.tombstones, 'tombstone')} up to {told.at}, none "
            "of later purges: what was purged since is back. Remove this store and restore again "
            "with --tombstones OLD-STORE if there is one",
            err=True,
        )
    click.echo(f"keys revoked after {told.at} work again: see `mnemon key list`", err=True)


def _check(path: Path, json_: bool) -> None:
    from mnemon.server.backup import restoring

    found = restoring.verify(path)
    if json_:
        serial.show({"sound": not found.problems, "problems": found.problems})
    else:
        for problem in found.problems:
            click.echo(f"problem: {problem}")
        told = "no problem" if not found.problems else "not sound"
        click.echo(
            f"{path}: {layout.counted(found.manifest.cubes, 'cube')} as of {found.manifest.at}, "
            f"{told}"
        )
    raise click.exceptions.Exit(exits.NOTHING if found.problems else exits.OK)
