"""`mnemon serve`."""

from __future__ import annotations

from pathlib import Path

import click

from mnemon.cli import options
from mnemon.cli.settings import Settings


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
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True,
    help="Processes that serve: one a core.",
)  # fmt: skip
@click.option(
    "--drain", type=click.FloatRange(0), default=0.0, show_default=True,
    help="Seconds to go on serving, not ready, after SIGTERM.",
)  # fmt: skip
@options.place
def command(settings: Settings, host: str, port: int, **more: float) -> None:
    """Serve the memory over HTTP.

    Without API keys only this machine is served, and may do everything. `mnemon key add` makes
    keys; from the first one on every request needs one.
    """
    from mnemon.models.extras import require

    for package in ("fastapi", "httptools", "orjson", "uvicorn"):
        require(package, package, "server")
    from mnemon.server import serving
    from mnemon.server.settings import Settings as Served

    told = Served(settings.path, host, port, **more)  # type: ignore[arg-type]
    serving.serve(told, ready=lambda url: _tell(told.store, url))


def _tell(store: Path, url: str) -> None:
    click.echo(f"serving {store} at {url}; its routes: {url}/docs", err=True)
