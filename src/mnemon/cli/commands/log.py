"""`mnemon log`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import click

from mnemon.cli import ids, layout, options, serial
from mnemon.cli.settings import Settings
from mnemon.cube import Event
from mnemon.wire.plain import plain

_PAUSE_S = 0.5
_MANY = 1000


@click.command("log")
@click.option("--cube", metavar="ID", help="Only what happened to this cube.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("-f", "--follow", is_flag=True, help="Go on printing what happens, until Ctrl-C.")
@options.as_json
@options.place
def command(settings: Settings, cube: str | None, limit: int, follow: bool, json_: bool) -> None:
    """Print the journal of the memory.

    It tells what happened to which cube, never what the cube said.
    """
    if follow and json_:
        raise click.UsageError("--follow prints lines, not JSON")
    with settings.existing() as memory:
        whole = ids.resolve(memory, cube) if cube is not None else None
        events = memory.log(cube=whole, limit=limit)
        if json_:
            serial.show(events)
            return
        _table(events)
        last = events[-1].seq if events else 0
        while follow:
            time.sleep(_PAUSE_S)
            for event in memory.log(cube=whole, after=last, limit=_MANY):
                click.echo("  ".join(part for part in _row(event) if part))
                last = event.seq


def _table(events: Sequence[Event]) -> None:
    heads = ("SEQ", "AT", "VERB", "ACTOR", "NAMESPACE", "CUBE", "DETAIL")
    layout.table(heads, [_row(event) for event in events])


def _row(event: Event) -> tuple[str, ...]:
    cube = ids.short(event.cube) if event.cube else ""
    version = f" v{event.version}" if event.version else ""
    detail = json.dumps(plain(event.detail)) if event.detail else ""
    when = event.at.strftime("%Y-%m-%d %H:%M:%S")
    return (
        str(event.seq),
        when,
        event.verb,
        event.actor,
        event.namespace or "",
        cube + version,
        detail,
    )
