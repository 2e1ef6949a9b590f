"""`mnemon recall`."""

from __future__ import annotations

from typing import Any

import click

from mnemon.cli import exits, layout, options, serial
from mnemon.cli.commands.search import emptiness
from mnemon.cli.settings import Settings


@click.command("recall")
@click.argument("query")
@click.option(
    "--budget", type=int, default=1000, show_default=True, help="Tokens the text may take."
)
@options.kind
@options.as_of
@options.asked_at
@options.min_score
@options.program
@options.as_json
@options.place
def command(
    settings: Settings, query: str, kind: tuple[str, ...], json_: bool,
    **asked: Any,
) -> None:  # fmt: skip
    """Print what bears on QUERY, as text for a prompt.

    Within a budget of tokens, in time order, cited. Only the text goes to
    stdout; tokens and milliseconds go to stderr.
    """
    with settings.asked() as memory:
        found = memory.recall(query, kind=kind or None, **asked)
        if json_:
            cited = found.trace.get("cited", ())
            told = {"text": found.text, "tokens": found.tokens, "cited": cited, "hits": found.hits}
            serial.show(told)
        else:
            click.echo(found.text, nl=False)
            size = f"{layout.counted(len(found.hits), 'cube')}, {found.tokens} tokens"
            click.echo(f"{size}, {found.trace.get('ms', 0):.0f} ms", err=True)
        if not found.hits:
            click.echo(emptiness(memory), err=True)
            raise click.exceptions.Exit(exits.NOTHING)
