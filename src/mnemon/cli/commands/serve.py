"""`mnemon serve`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from mnemon.cli import oauth, options
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
@click.option(
    "--audit", type=click.Choice(["writes", "reads", "off"]), default="writes", show_default=True,
    help="What the audit log holds: what changes anything or is denied; reads too; or nothing.",
)  # fmt: skip
@click.option(
    "--retention-every", type=click.FloatRange(1), default=3600.0, show_default=True,
    help="Seconds between two runs of the retention rules.",
)  # fmt: skip
@click.option(
    "--schedule-every", type=click.FloatRange(0), default=0.0, show_default=True,
    help="Seconds between two runs of the scheduler in namespaces with budgets; 0 never runs it.",
)  # fmt: skip
@click.option("--schedule-model", metavar="NAME", help="The model that it compiles by and trains.")
@click.option(
    "--schedule-to", metavar="PLACE", help="Where it compiles to; as of `mnemon compile --to`."
)
@click.option(
    "--compile-model", "compile_models", multiple=True, metavar="PATH_OR_NAME",
    help="A model that /v1/compile may use beside those in the package. May be repeated.",
)  # fmt: skip
@click.option(
    "--compile-to", metavar="PLACE",
    help="Where /v1/compile keeps keys and values; by default a folder beside the store.",
)  # fmt: skip
@click.option(
    "--otel", is_flag=True,
    help="Send traces by OTLP; also on when OTEL_EXPORTER_OTLP_ENDPOINT is set.",
)  # fmt: skip
@click.option(
    "--upstream", metavar="URL",
    help="An OpenAI-compatible API to put memory in front of, such as https://api.openai.com/v1.",
)  # fmt: skip
@click.option(
    "--upstream-key-env", metavar="NAME",
    help="The environment variable with the upstream's key; without it callers send their own.",
)  # fmt: skip
@click.option(
    "--upstream-timeout", type=click.FloatRange(0.1), default=600.0, show_default=True,
    help="Seconds to wait for the upstream's next byte.",
)  # fmt: skip
@click.option(
    "--budget", "recall_budget", type=click.IntRange(0), default=1000, show_default=True,
    help="Tokens that memory may add to a chat.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(0), default=1, show_default=True,
    help="Jobs carried out at the same time; 0 leaves them to `mnemon jobs run`.",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True,
    help="Processes that serve: one a core.",
)  # fmt: skip
@click.option(
    "--drain", type=click.FloatRange(0), default=0.0, show_default=True,
    help="Seconds to go on serving, not ready, after SIGTERM.",
)  # fmt: skip
@oauth.options
@options.program
@options.place
def command(settings: Settings, host: str, port: int, otel: bool, **more: Any) -> None:
    """Serve the memory over HTTP, with a page for people at /.

    Without API keys only this machine is served, and may do everything. `mnemon key add` makes
    keys; from the first one on every request needs one. With --oauth-issuer, access tokens open it
    too. With --upstream, chats of OpenAI's clients go on to it with what memory holds on them, and
    are remembered.
    """
    from mnemon.models.extras import require

    for package in ("fastapi", "uvicorn", "httptools", "jinja2", "orjson", "prometheus_client"):
        require(package, package.replace("_", "-"), "server")
    from mnemon.server import serving
    from mnemon.server.otel import asked
    from mnemon.server.settings import Settings as Served

    told_oauth = oauth.taken(more)
    told = Served(
        settings.own, host, port, settings.known_program(),
        otel=otel or asked(os.environ), oauth=told_oauth, **more,
    )  # fmt: skip
    serving.serve(told, ready=lambda url: _tell(told.store, url))


def _tell(store: Path | str, url: str) -> None:
    click.echo(f"serving {shown(str(store))} at {url}; its routes: {url}/docs", err=True)
