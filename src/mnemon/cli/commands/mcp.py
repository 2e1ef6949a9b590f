"""`mnemon mcp`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnemon.cli import options
from mnemon.cli.settings import Settings
from mnemon.errors import MissingExtra

if TYPE_CHECKING:
    from mnemon.server.mcp.own import Own


@click.command("mcp")
@click.option("--http", is_flag=True, help="Serve streamable HTTP instead of stdin and stdout.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Only this machine's own.")
@click.option("--port", type=click.IntRange(1, 65535), default=8078, show_default=True)
@click.option(
    "--api-key-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where the key is, for a server as --store that asks; else MNEMON_API_KEY.",
)  # fmt: skip
@options.program
@options.place
def command(
    settings: Settings, http: bool, host: str, port: int, api_key_file: Path | None
) -> None:
    """Serve the memory to MCP clients.

    Its calls become tools of an agent. Clients start this themselves: see
    `mnemon install`. Tools work in the namespace and below it, and cannot leave it.
    """
    if find_spec("mcp") is None:
        raise MissingExtra("mcp", "mcp")
    from mnemon.server.mcp.own import Own

    key = _key(settings, api_key_file)
    own = Own(settings.store, settings.scope, settings.known_program(), api_key=key)
    try:
        if http:
            _http(own, host, port)
        else:
            _stdio(own)
    finally:
        own.close()


def _key(settings: Settings, file: Path | None) -> str | None:
    return settings.api_key if file is None else file.read_text("utf-8").strip()


def _stdio(own: Own) -> None:
    from mnemon.server.mcp.greeting import greet

    greeting = greet()
    if not greeting.line:  # the client went away without a word
        return
    # Only now: it takes a second or more, and the client has its answer.
    own.prepare()
    from mnemon.server.mcp.serving import serve_stdio

    serve_stdio(own.desk, greeting)


def _http(own: Own, host: str, port: int) -> None:
    from mnemon.server.mcp.address import PATH
    from mnemon.server.mcp.http import check, serve_http

    check(host)
    own.prepare()
    click.echo(f"serving http://{host}:{port}{PATH}, Ctrl-C stops it", err=True)
    serve_http(own.desk, host, port)
