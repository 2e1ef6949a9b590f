"""`mnemon ls`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import exits, ids, layout, options, serial
from mnemon.cli.settings import Settings

if TYPE_CHECKING:
    from mnemon.cube import MemCube
    from mnemon.memory import Memory


@click.command("ls")
@click.option("--namespaces", is_flag=True, help="List all namespaces of the store instead.")
@options.filters
@options.as_of
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@click.option("--after", metavar="ID", help="Go on after this cube, the last of the page before.")
@options.as_json
@options.place
def command(
    settings: Settings, namespaces: bool, kind: tuple[str, ...],
    after: str | None, json_: bool, **asked: Any,
) -> None:  # fmt: skip
    """List cubes in the order they were recorded."""
    with settings.existing() as memory:
        if namespaces:
            _namespaces(memory, json_)
            return
        if after is not None:
            after = ids.resolve(memory, after)
        cubes = memory.list(kind=kind or None, after=after, **asked)
        if json_:
            serial.show(cubes)
        elif cubes:
            _table(cubes)
            if len(cubes) == asked["limit"]:
                click.echo(f"there may be more: --after {ids.short(cubes[-1].id)}", err=True)
        if not cubes:
            from mnemon.cli.commands.search import emptiness

            click.echo(emptiness(memory).replace("relevant was found", "fits"), err=True)
            raise click.exceptions.Exit(exits.NOTHING)


def _namespaces(memory: Memory, json_: bool) -> None:
    found = memory.namespaces()
    if json_:
        serial.show([{"namespace": path, "cubes": count} for path, count in found])
    else:
        layout.table(("CUBES", "NAMESPACE"), [(count, path) for path, count in found])


def _table(cubes: list[MemCube]) -> None:
    rows = [
        (ids.short(cube.id), layout.day(cube.valid_from), cube.kind, cube.speaker, cube.content)
        for cube in cubes
    ]
    layout.table(("ID", "DATE", "KIND", "SPEAKER", "TEXT"), rows)
