"""`mnemon audit`."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from mnemon.cli import exits, layout, options, serial
from mnemon.cli.settings import Nothing, Settings
from mnemon.errors import InvalidInput
from mnemon.server.audit.entry import Entry
from mnemon.server.audit.file import beside
from mnemon.server.audit.log import AuditLog
from mnemon.server.audit.taking_over import take_over
from mnemon.server.audit.verifying import Verified, anchor
from mnemon.server.audit.verifying import verify as check


@click.group("audit")
def command() -> None:
    """The audit log: who did what to which cubes."""


@command.command("show")
@click.option("--key", "who", metavar="ID", help="Only what this key did.")
@click.option("--verb", help="Only this call, such as forget.")
@click.option(
    "--outcome", type=click.Choice(["done", "denied", "failed"]), help="Only with this outcome."
)
@click.option("--cube", metavar="ID", help="Only what concerned this cube, by its whole id.")
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest so many."
)
@options.as_json
@options.place
def show(settings: Settings, limit: int, json_: bool, cube: str | None, **of: str | None) -> None:
    """Show entries, the oldest first."""
    with _existing(settings) as log:
        found = (
            entry
            for _, entry in log.entries()
            if entry is not None
            and all(value in (None, getattr(entry, name)) for name, value in of.items())
            and (cube is None or cube in entry.ids)
        )
        shown = list(deque(found, limit))
    if json_:
        serial.show(shown)
        return
    heads = ("SEQ", "TIME", "WHO", "VERB", "OUTCOME", "CUBES", "NAMESPACE")
    layout.table(heads, [_row(entry) for entry in shown])


@command.command("verify")
@click.option(
    "--anchor", "anchors", multiple=True, metavar="SEQ:HASH",
    help="An entry as an earlier verify told it; may be repeated.",
)  # fmt: skip
@click.option(
    "--receipt", "receipts", multiple=True, type=click.Path(path_type=Path, dir_okay=False),
    help="A forgetting's receipt (JSON) that must be in the log; may be repeated.",
)  # fmt: skip
@options.as_json
@options.place
def verify(
    settings: Settings, anchors: tuple[str, ...], receipts: tuple[Path, ...], json_: bool
) -> None:
    """Check that no entry was changed, removed, added or reordered.

    The last line is an anchor: keep it where whoever can write the log cannot, and give it to the
    next verify. Exit code 1 says that something is wrong.
    """
    wanted = [_receipt(path) for path in receipts]
    with _existing(settings) as log:
        found = check(log, [anchor(one) for one in anchors], wanted)
    if json_:
        serial.show(found)
    else:
        _tell(found)
    raise click.exceptions.Exit(exits.NOTHING if found.problems else exits.OK)


@command.command("import")
@click.argument("other", required=False, type=click.Path(path_type=Path))
@click.option(
    "--anchor", "anchors", multiple=True, metavar="SEQ:HASH",
    help="Where the other log begins after, if older files of it were moved away.",
)  # fmt: skip
@options.place
def import_(settings: Settings, other: Path | None, anchors: tuple[str, ...]) -> None:
    """Bring in the log of the file OTHER.

    Into a database, where the log then goes on. Without OTHER, the one that this machine wrote
    before the log was in the database. Entries come as they are, if there are none yet; a log that
    has some is only told how the other one ends.
    """
    old = beside(other or settings.path)
    with settings.home() as home:
        taken = take_over(home.log, old, [anchor(one) for one in anchors])
    told = _counted(taken.entries)
    if taken.continued:
        click.echo(f"{told} brought in; the log goes on after {taken.seq}:{taken.hash}")
    else:
        click.echo(
            f"there is a log already, which tells now how the other one ends: keep {old.where} "
            f"({told}) and verify it with --anchor {taken.seq}:{taken.hash}"
        )


@contextmanager
def _existing(settings: Settings) -> Iterator[AuditLog]:
    with settings.home() as home:
        if home.log.empty():
            raise Nothing(f"there is no audit log at {home.log.where}: `mnemon serve` writes it")
        yield home.log


def _receipt(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{path} is no JSON ({error}): give the receipt as it was") from error
    if not isinstance(told, dict):
        raise InvalidInput(f"{path} is no receipt: give the JSON object that forget answered")
    return told


def _tell(found: Verified) -> None:
    for problem in found.problems:
        click.echo(f"problem: {problem}")
    for note in found.notes:
        click.echo(f"note: {note}")
    for entry in found.receipts:
        click.echo(f"receipt: entry {entry.seq}, {entry.at}, {entry.who} {entry.verb}")
    told = "no problem" if not found.problems else layout.counted(len(found.problems), "problem")
    click.echo(f"{_counted(found.entries)}, {told}")
    click.echo(f"{found.head[0]}:{found.head[1]}")


def _counted(entries: int) -> str:
    return f"{entries:,} {'entry' if entries == 1 else 'entries'}"


def _row(entry: Entry) -> tuple[object, ...]:
    at = entry.at[:19].replace("T", " ")
    outcome = entry.outcome if entry.status is None else f"{entry.outcome} {entry.status}"
    return entry.seq, at, entry.who, entry.verb, outcome, entry.cubes, entry.namespace
