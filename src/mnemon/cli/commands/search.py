"""`mnemon search`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import exits, options, serial
from mnemon.cli.settings import ADVICE, Settings

if TYPE_CHECKING:
    from mnemon.memory import Memory


@click.command("search")
@click.argument("query")
@click.option("-k", type=int, default=10, show_default=True, help="How many at most.")
@options.filters
@options.as_of
@options.asked_at
@options.min_score
@options.program
@click.option("--explain", is_flag=True, help="Show what matched, for each channel.")
@options.as_json
@options.place
def command(
    settings: Settings, query: str, kind: tuple[str, ...], json_: bool,
    **asked: Any,
) -> None:  # fmt: skip
    """Find the cubes that answer QUERY, best first.

    Each has a score from 0 to 1 and tells which channels found it.
    """
    with settings.asked() as memory:
        found = memory.search(query, kind=kind or None, **asked)
        if json_:
            serial.show(found)
        else:
            from mnemon.cli import hits

            for hit in found:
                hits.show(hit)
        if not found:
            click.echo(emptiness(memory), err=True)
            raise click.exceptions.Exit(exits.NOTHING)


def emptiness(memory: Memory) -> str:
    """Why nothing was found, and what to do about it."""
    if memory.count():
        return "nothing relevant was found"
    elsewhere = [f"{path} ({count})" for path, count in memory.namespaces() if count][:5]
    if elsewhere:
        others = ", ".join(elsewhere)
        return f"namespace {memory.namespace!r} is empty; there are cubes in {others}: use -n"
    return f"the store {memory.path} is empty: {ADVICE}"
