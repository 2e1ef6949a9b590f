"""`mnemon quota`."""

from __future__ import annotations

import re
from contextlib import closing

import click

from mnemon import namespace as paths
from mnemon.cli import layout, options, serial
from mnemon.cli.settings import Nothing, Settings
from mnemon.errors import InvalidInput

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@click.group("quota")
def command() -> None:
    """How much a namespace, with all below it, may hold."""


@command.command("set")
@click.argument("prefix", metavar="NAMESPACE")
@click.option("--cubes", type=click.IntRange(0), help="Current cubes.")
@click.option(
    "--bytes", "size", metavar="SIZE",
    help="Bytes of content and metadata in all versions, such as 500MiB or 1GiB.",
)  # fmt: skip
@options.place
def set_(settings: Settings, prefix: str, cubes: int | None, size: str | None) -> None:
    """Set the quota of NAMESPACE, for every writer, this command line included."""
    if cubes is None and size is None:
        raise click.UsageError("say how much it may hold: --cubes, --bytes or both")
    path, most = paths.check(prefix), None if size is None else _bytes(size)
    with closing(settings.opened()) as store:
        store.set_quota(path, cubes, most)
    told = {"cubes": cubes, "bytes": most}
    settings.tell("quota-set", namespace=path, detail=told)
    click.echo(f"{path}: {_limit(cubes)} cubes, {_limit(most)} bytes")


@command.command("list")
@options.as_json
@options.place
def list_(settings: Settings, json_: bool) -> None:
    """List the quotas, and what is held now."""
    with closing(settings.opened()) as store:
        found = store.quotas()
    if json_:
        serial.show(found)
        return
    rows = [
        (
            f"{one.held_cubes:,}", _limit(one.cubes), f"{one.held_bytes:,}", _limit(one.bytes),
            one.namespace,
        )
        for one in found
    ]  # fmt: skip
    layout.table(("CUBES", "OF", "BYTES", "OF", "NAMESPACE"), rows)


@command.command("remove")
@click.argument("prefix", metavar="NAMESPACE")
@options.place
def remove(settings: Settings, prefix: str) -> None:
    """Lift the quota of NAMESPACE."""
    path = paths.check(prefix)
    with closing(settings.opened()) as store:
        if not store.remove_quota(path):
            raise Nothing(f"namespace {path!r} has no quota: `mnemon quota list` shows them")
    settings.tell("quota-remove", namespace=path)
    click.echo(f"{path}: no quota")


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d{1,15})\s*(?:([KMGT]?)i?B?)?", text, re.IGNORECASE)
    if found is None:
        raise InvalidInput(f"{text!r} is no size: write bytes, or a unit as 500MiB, 1GiB")
    return int(found[1]) * _UNITS[(found[2] or "").upper()]


def _limit(most: int | None) -> str:
    return "any" if most is None else f"{most:,}"
