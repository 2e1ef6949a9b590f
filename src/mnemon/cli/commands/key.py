"""`mnemon key`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from mnemon.cli import layout, options, serial
from mnemon.cli.durations import duration
from mnemon.cli.settings import Nothing, Settings
from mnemon.server import keys
from mnemon.server.audit.log import AuditLog
from mnemon.wire.plain import plain


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
@click.option(
    "--role", type=click.Choice(list(keys.ROLES)), help="A word for verbs, instead of --may."
)
@click.option(
    "--rate", metavar="RATE", help="How often it may ask, such as 50/s, 600/m or 10000/h."
)
@click.option("--expires", metavar="DURATION", help="For how long, such as 12h or 90d.")
@options.place
def add(
    settings: Settings, name: str, namespaces: tuple[str, ...], everywhere: bool,
    verbs: tuple[str, ...], role: str | None, rate: str | None, expires: str | None,
) -> None:  # fmt: skip
    """Make a key for NAME and print it, this once.

    NAME is who acts with it, in the journal and in policies.
    """
    if everywhere == bool(namespaces):
        raise click.UsageError("say which namespaces it reaches: --in NAMESPACE, or --everywhere")
    if role is not None and verbs:
        raise click.UsageError("say either --role or --may")
    may = verbs or keys.ROLES[role or "owner"]
    end = None if expires is None else datetime.now(UTC) + duration(expires)
    scope = None if everywhere else namespaces
    with settings.home() as home:
        token, key = home.keys.add(name, scope, may, end, rate)
        _tell(home.log, "key-add", key)
    click.echo(f"key {key.id}; this is shown once:", err=True)
    click.echo(token)


@command.command("list")
@options.as_json
@options.place
def list_(settings: Settings, json_: bool) -> None:
    """List the keys, without their secrets."""
    with settings.home() as home:
        found = home.keys.known()
    if json_:
        shown = [{**plain(key), "role": key.role} for key in found]
        serial.show([{n: one for n, one in key.items() if n != "sha256"} for key in shown])
        return
    heads = ("ID", "NAME", "REACHES", "MAY", "RATE", "STATE")
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
    with settings.home() as home:
        token, key = home.keys.rotate(id, duration(overlap))
        _tell(home.log, "key-rotate", key, old=id)
    click.echo(f"key {key.id} follows {id}; this is shown once:", err=True)
    click.echo(token)


@command.command("revoke")
@click.argument("id")
@options.place
def revoke(settings: Settings, id: str) -> None:
    """End a key at once, also for a server that is running."""
    with settings.home() as home:
        key = home.keys.revoke(id)
        _tell(home.log, "key-revoke", key)
    click.echo(f"revoked {key.id} ({key.name})")


@command.command("import")
@click.argument("other", required=False, type=click.Path(path_type=Path))
@options.place
def import_(settings: Settings, other: Path | None) -> None:
    """Bring in the keys of the file OTHER.

    The same tokens open this store then; what ended there ends here. Without OTHER, those that this
    machine had for the database before keys were in it.
    """
    place = other or settings.path
    others = keys.beside(place).known()
    if not others:
        raise Nothing(f"there are no keys at {keys.file.place(place)}")
    with settings.home() as home:
        taken = home.keys.take_in(others)
        home.log.append("cli", "key-import", "done", detail={"keys": [key.id for key in taken]})
    click.echo(f"{len(taken)} of {layout.counted(len(others), 'key')} brought in")


def _row(key: keys.Key) -> tuple[str, ...]:
    reach = "everything" if key.namespaces is None else ", ".join(key.namespaces)
    state = "no end" if key.expires_at is None else f"until {key.expires_at:%Y-%m-%d %H:%M}"
    if key.revoked_at is not None:
        state = "revoked"
    elif not key.alive(datetime.now(UTC)):
        state = "expired"
    may = ", ".join(key.verbs) if key.role is None else f"{key.role} ({', '.join(key.verbs)})"
    return key.id, key.name, reach, may, key.rate or "any", state


def _tell(log: AuditLog, verb: str, key: keys.Key, **detail: str) -> None:
    log.append("cli", verb, "done", detail={"key": key.id, **detail})
