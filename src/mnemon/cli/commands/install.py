"""`mnemon install`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnemon.cli import clients, options
from mnemon.cli.settings import Settings
from mnemon.errors import InvalidInput
from mnemon.store.address import is_database, is_server, shown

if TYPE_CHECKING:
    from mnemon.server.mcp.clients import Remote


@click.command("install")
@clients.chosen
@click.option("--print", "only_print", is_flag=True, help="Print the entry and change nothing.")
@click.option(
    "--api-key-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
    help="Where the key is, for a server as --store that asks: the file is named in the entry.",
)  # fmt: skip
@click.option(
    "--http", is_flag=True,
    help="Have the client ask the server at --store itself. A key from --api-key-file is then "
    "written into the entry.",
)  # fmt: skip
@click.option(
    "--api-key-env", metavar="NAME",
    help="With --http: the environment variable that the client shall take the key from.",
)  # fmt: skip
@options.program
@options.place
def command(
    settings: Settings, client: str, project: bool, only_print: bool, api_key_file: Path | None,
    http: bool, api_key_env: str | None,
) -> None:  # fmt: skip
    """Give an agent this memory.

    Puts `mnemon mcp` into the client's configuration, or with --http the
    address of a server's tools. Everything else in the file stays as it is,
    and a copy from before is kept beside it. --store, --namespace and
    --program are written into the entry; with --http and no key the namespace
    stands in the address.
    `mnemon uninstall` undoes it.
    """
    from mnemon.server.mcp import installing

    known = clients.load(client)
    if http:
        entry = known.remote(_remote(settings, project, api_key_file, api_key_env))
    elif api_key_env is not None:
        raise InvalidInput("--api-key-env goes with --http; otherwise there is --api-key-file")
    else:
        entry = known.entry(_command(settings, project, api_key_file))
    if only_print:
        # Any name with the right ending: a client may have no file on this system.
        path = known.project(Path()) or Path("settings.json")
        click.echo(installing.snippet(path, known.keys, entry), nl=False)
        return
    secret = http and api_key_file is not None
    outcome = installing.install(clients.file(known, project), known.keys, entry, secret=secret)
    click.echo(f"{known.title}: {outcome.done} in {outcome.path}")
    if outcome.backup:
        click.echo(f"what was there before is in {outcome.backup}", err=True)
    if outcome.done == "installed":
        click.echo(f"next: {known.then}", err=True)


def _store(store: str) -> str:
    if is_server(store):
        return store
    if not is_database(store):
        return str(Path(store).absolute())
    if shown(store) != store:
        raise InvalidInput(
            "the address has a password, which would stand in the client's file: leave it out and "
            "put it into ~/.pgpass"
        )
    return store


def _remote(
    settings: Settings, project: bool, api_key_file: Path | None, variable: str | None
) -> Remote:
    from mnemon.server.mcp import address
    from mnemon.server.mcp.clients import Remote

    store = settings.store or ""
    if not is_server(store):
        raise InvalidInput(
            "--http needs the address of a `mnemon serve` as --store, such as https://…"
        )
    if settings.program:
        raise InvalidInput("a server searches by its own --program: leave it out with --http")
    if api_key_file is not None and variable is not None:
        raise InvalidInput("the key is in a file or in a variable: give one of the two")
    if api_key_file is not None and project:
        raise InvalidInput(
            "the key would stand in a file that a project shares: name a variable instead, with "
            "--api-key-env"
        )
    if api_key_file is None and variable is None and settings.namespace is not None:
        # Nothing else is sent then, so the address alone can be given to others, or to a connector.
        return Remote(f"{store.rstrip('/')}{address.of(settings.namespace)}")
    key = None if api_key_file is None else api_key_file.read_text("utf-8").strip()
    return Remote(f"{store.rstrip('/')}{address.PATH}", key, variable, settings.namespace)


def _command(settings: Settings, project: bool, api_key_file: Path | None) -> Sequence[str]:
    # A desktop program has another PATH than a shell, so its entry names this very Python. A
    # project's file is shared, and others have theirs elsewhere.
    words = ["mnemon", "mcp"] if project else [sys.executable, "-m", "mnemon", "mcp"]
    if settings.store:
        words += ["--store", _store(settings.store)]
    if api_key_file is not None:
        words += ["--api-key-file", str(api_key_file.absolute())]
    if settings.namespace:
        words += ["--namespace", settings.namespace]
    if settings.program:
        words += ["--program", settings.known_program()]
    return words
