"""`mnemon serve`."""

from __future__ import annotations

from pathlib import Path

import click

from mnemon.cli import options
from mnemon.cli.settings import Settings
from mnemon.store.address import shown


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8077, show_default=True, help="The port."
)
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=60.0, show_default=True,
    help="Seconds within which a request is answered.",
)  # fmt: skip
@click.option(
    "--max-body", type=click.IntRange(1024), default=16 * 2**20, show_default=True,
    help="Bytes of a request.",
)  # fmt: skip
@click.option(
    "--max-upload", type=click.IntRange(1024), default=4 * 2**30, show_default=True,
    help="Bytes of an import.",
)  # fmt: skip
@options.place
def command(settings: Settings, host: str, port: int, **limits: float) -> None:
    """Serve the memory over HTTP.

    Without API keys only this machine is served, and may do everything. `mnemon key add` makes
    keys; from the first one on every request needs one.
    """
    from mnemon.models.extras import require

    for package in ("fastapi", "uvicorn"):
        require(package, package, "server")
    from mnemon.server import serving
    from mnemon.server.settings import Settings as Served

    told = Served(settings.address, host, port, **limits)  # type: ignore[arg-type]
    serving.serve(told, ready=lambda url: _tell(told.store, url))


def _tell(store: Path | str, url: str) -> None:
    click.echo(f"serving {shown(str(store))} at {url}; its routes: {url}/docs", err=True)
