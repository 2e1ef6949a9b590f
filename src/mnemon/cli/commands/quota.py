"""`mnemon quota`."""

from __future__ import annotations

import re
from contextlib import closing

import click

from mnemon import namespace as paths
from mnemon.cli import layout, options, serial
from mnemon.cli.settings import Nothing, Settings
from mnemon.errors import InvalidInput
from mnemon.server import rates

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@click.group("quota")
def command() -> None:
    """What a namespace, with all below it, may hold and be asked."""


@command.command("set")
@click.argument("prefix", metavar="NAMESPACE")
@click.option("--cubes", type=click.IntRange(0), help="Current cubes.")
@click.option(
    "--bytes", "size", metavar="SIZE",
    help="Bytes of content and metadata in all versions, such as 500MiB or 1GiB.",
)  # fmt: skip
@click.option(
    "--rate", metavar="RATE",
    help="Requests to servers by all its keys together, such as 500/s, 6000/m or 100000/h.",
)  # fmt: skip
@options.place
def set_(
    settings: Settings, prefix: str, cubes: int | None, size: str | None, rate: str | None
) -> None:
    """Set the quota of NAMESPACE, in place of the one it has.

    What it may hold binds every writer, this command line included. A server counts a request for
    each NAMESPACE that it works in or that its key lies in, beside what the key's own rate counts.
    """
    if cubes is None and size is None and rate is None:
        raise click.UsageError("say what it may: --cubes, --bytes, --rate or some of them")
    path, most = paths.check(prefix), None if size is None else _bytes(size)
    often = None if rate is None else rates.parse(rate).text
    with closing(settings.opened()) as store:
        store.set_quota(path, cubes, most, often)
    settings.tell(
        "quota-set", namespace=path, detail={"cubes": cubes, "bytes": most, "rate": often}
    )
    click.echo(f"{path}: {_limit(cubes)} cubes, {_limit(most)} bytes, {often or 'any'} requests")


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
            one.rate or "any", one.namespace,
        )
        for one in found
    ]  # fmt: skip
    layout.table(("CUBES", "OF", "BYTES", "OF", "RATE", "NAMESPACE"), rows)


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
