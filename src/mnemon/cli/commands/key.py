"""`mnemon key`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

from mnemon.cli import layout, options, serial
from mnemon.cli.settings import Settings
from mnemon.errors import InvalidInput
from mnemon.server import keys
from mnemon.wire.plain import plain

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@click.group("key")
def command() -> None:
    """API keys of a server: who may do what in which namespaces."""


@command.command("add")
@click.argument("name")
@click.option(
    "--in", "namespaces", multiple=True, metavar="NAMESPACE",
    help="A namespace that it reaches, with all below it; may be repeated.",
)  # fmt: skip
@click.option("--everywhere", is_flag=True, help="It reaches the whole store.")
@click.option(
    "--may", "verbs", multiple=True, type=click.Choice(keys.VERBS),
    help="What it may do; may be repeated. By default all of these.",
)  # fmt: skip
@click.option("--expires", metavar="DURATION", help="For how long, such as 12h or 90d.")
@options.place
def add(
    settings: Settings, name: str, namespaces: tuple[str, ...], everywhere: bool,
    verbs: tuple[str, ...], expires: str | None,
) -> None:  # fmt: skip
    """Make a key for NAME and print it, this once.

    NAME is who acts with it, in the journal and in policies.
    """
    if everywhere == bool(namespaces):
        raise click.UsageError("say which namespaces it reaches: --in NAMESPACE, or --everywhere")
    end = None if expires is None else datetime.now(UTC) + _duration(expires)
    scope = None if everywhere else namespaces
    token, key = keys.beside(settings.path).add(name, scope, verbs or keys.VERBS, end)
    click.echo(f"key {key.id}; this is shown once:", err=True)
    click.echo(token)


@command.command("list")
@options.as_json
@options.place
def list_(settings: Settings, json_: bool) -> None:
    """List the keys, without their secrets."""
    found = keys.beside(settings.path).known()
    if json_:
        shown = [plain(key) for key in found]
        serial.show([{n: one for n, one in key.items() if n != "sha256"} for key in shown])
        return
    heads = ("ID", "NAME", "REACHES", "MAY", "STATE")
    layout.table(heads, [_row(key) for key in found])


@command.command("rotate")
@click.argument("id")
@click.option(
    "--overlap", default="0m", show_default=True, metavar="DURATION",
    help="For how long the old one still works.",
)  # fmt: skip
@options.place
def rotate(settings: Settings, id: str, overlap: str) -> None:
    """Make a new key like an old one, which then ends."""
    token, key = keys.beside(settings.path).rotate(id, _duration(overlap))
    click.echo(f"key {key.id} follows {id}; this is shown once:", err=True)
    click.echo(token)


@command.command("revoke")
@click.argument("id")
@options.place
def revoke(settings: Settings, id: str) -> None:
    """End a key at once, also for a server that is running."""
    key = keys.beside(settings.path).revoke(id)
    click.echo(f"revoked {key.id} ({key.name})")


def _row(key: keys.Key) -> tuple[str, ...]:
    reach = "everything" if key.namespaces is None else ", ".join(key.namespaces)
    state = "no end" if key.expires_at is None else f"until {key.expires_at:%Y-%m-%d %H:%M}"
    if key.revoked_at is not None:
        state = "revoked"
    elif not key.alive(datetime.now(UTC)):
        state = "expired"
    return key.id, key.name, reach, ", ".join(key.verbs), state


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if found is None:
        raise InvalidInput(
            f"{text!r} is no duration: write minutes, hours or days as 30m, 12h, 90d"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
