"""`mnemon import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import exits, options, pairs, serial
from mnemon.cli.progress import bar
from mnemon.cli.settings import Settings

if TYPE_CHECKING:
    from mnemon.portable import ImportReport

_SHOWN = 20


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--format", help="mnemon, or one that `mnemon methods importers` lists; found out if not given."
)
@options.method_options
@options.embedder
@options.as_json
@options.place
def command(
    settings: Settings, path: Path, format: str | None,
    options: tuple[str, ...], json_: bool,
) -> None:  # fmt: skip
    """Read a history or a portable file into the memory.

    Chats, notes, another memory: `mnemon methods importers` lists the formats.
    What is there already is left alone, so an interrupted import is simply run again.
    """
    given = _options(path, format, options)
    with settings.memory() as memory, bar("importing") as progress:
        report = memory.import_(path, format, progress=progress, **given)
    if json_:
        serial.show(report)
    else:
        _show(report)
    if not (report.added or report.known or report.purged or report.links):
        click.echo(f"nothing in {path} could be used", err=True)
        raise click.exceptions.Exit(exits.NOTHING)


def _options(path: Path, format: str | None, given: tuple[str, ...]) -> dict[str, Any]:
    if not given or format == "mnemon":
        return pairs.parse(given)
    from mnemon.importers._detect import detect

    return pairs.options("importers", format or detect(path), given)


def _show(report: ImportReport) -> None:
    click.echo(f"{report.added} added, {report.known} known, {len(report.malformed)} malformed")
    if report.artifacts or report.recipes:
        told = f"{report.artifacts} artifacts, {report.recipes} to be compiled again"
        click.echo(told, err=True)
    if report.purged:
        click.echo(f"{report.purged} were purged here before, and stay so", err=True)
    for place, reason in report.malformed[:_SHOWN]:
        click.echo(f"{place}: {reason}", err=True)
    if len(report.malformed) > _SHOWN:
        rest = len(report.malformed) - _SHOWN
        click.echo(f"… and {rest} more malformed (--json lists all)", err=True)
