"""`mnemon top`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from mnemon.cli import layout, options, serial
from mnemon.cli.settings import Settings

if TYPE_CHECKING:
    from mnemon.cli.watching.frame import Watch


@click.command("top")
@click.option("--once", is_flag=True, help="Print one frame and end.")
@click.option(
    "--every", type=click.FloatRange(0.2), default=2.0, show_default=True, metavar="SECONDS",
    help="How long a frame stays.",
)  # fmt: skip
@options.api_key
@options.as_json
@options.place
def command(settings: Settings, once: bool, every: float, json_: bool) -> None:
    """Watch what the memory holds and does, live.

    Sizes by form, rates, namespaces by size, stale artifacts, the journal. --store may be a
    server's http address. Without --namespace all that can be reached is watched. Rates are of the
    last minute; searches leave no line in the journal, so "read" is how many cubes they gave, once
    a process writes its counts. --json prints one frame.
    """
    from mnemon.cli.watching.frame import Watch

    with settings.existing() as memory:
        watch = Watch(memory, settings.namespace)
        if json_:
            serial.show(watch.frame())
        elif once or not layout.is_terminal():
            _once(watch)
        else:
            _live(watch, every)


def _once(watch: Watch) -> None:
    from rich.console import Console

    from mnemon.cli.watching.drawing import draw

    console = Console(highlight=False)
    console.print(draw(watch.frame(), console.width, None))


def _live(watch: Watch, every: float) -> None:
    from rich.console import Console
    from rich.live import Live

    from mnemon.cli.watching.drawing import draw

    console = Console(highlight=False)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                live.update(draw(watch.frame(), console.width, console.height), refresh=True)
                time.sleep(every)
        except KeyboardInterrupt:
            return  # it is how one leaves
