"""`mnemon add`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnemon.cli import options, pairs, serial
from mnemon.cli.settings import Settings
from mnemon.errors import InvalidInput

if TYPE_CHECKING:
    from mnemon.cube import MemCube
    from mnemon.memory import Memory

_BATCH = 500


@click.command("add")
@click.argument("text", nargs=-1)
@click.option("--lines", is_flag=True, help="Each line of stdin is a cube of its own.")
@click.option(
    "--file", type=click.Path(path_type=Path),
    help="Add a text file as a document: one cube for the whole, one for each passage.",
)  # fmt: skip
@click.option("--speaker", help="Who said it.")
@click.option("--at", metavar="TIME", help="When it was true, in ISO 8601; by default now.")
@click.option("--kind", help="episode (the default), fact, task … or a word of your own.")
@click.option("--session", help="The conversation it belongs to.")
@click.option("--source", help="Where it comes from: a URL, a file and line.")
@click.option(
    "--key",
    help="Adding the same again under a key changes nothing, something else is refused; for a "
    "single cube.",
)
@options.meta
@options.embedder
@options.as_json
@options.place
def command(
    settings: Settings,
    text: tuple[str, ...],
    lines: bool,
    file: Path | None,
    metadata: tuple[str, ...],
    json_: bool,
    **about: str | None,
) -> None:
    """Remember, and print the ids.

    Each TEXT is a cube, so put it in quotes. Without one, or when it is `-`, all of stdin is
    one cube.
    """
    if (len(text) > 1 or lines) and about["key"] is not None:
        raise click.UsageError("--key names one cube, and here are several")
    if file is not None and (text or lines):
        raise click.UsageError("give a text or a --file, not both")
    if lines and text not in ((), ("-",)):
        raise click.UsageError("--lines reads stdin: give no text beside it")
    given: dict[str, Any] = {**about, "metadata": pairs.parse(metadata) or None}
    with settings.memory() as memory:
        whole: list[MemCube] = []
        for cubes in _added(memory, text, lines, file, given):
            whole += cubes if json_ else []
            for cube in cubes if not json_ else ():
                click.echo(cube.id)  # at once: what was printed is durable
        if json_:
            serial.show(whole)


def _added(
    memory: Memory, text: Sequence[str], lines: bool, file: Path | None, given: dict[str, Any]
) -> Iterator[list[MemCube]]:
    if file is not None:
        yield [_document(memory, file, given)]
    elif lines:
        yield from _lines(memory, given)
    elif text in ((), ("-",)):
        yield [memory.add(_stdin(), **given)]
    elif len(text) == 1:
        yield [memory.add(text[0], **given)]
    else:
        yield memory.add(list(text), **given)


def _document(memory: Memory, file: Path, given: dict[str, Any]) -> MemCube:
    from mnemon.cube import Document

    given = {"source": str(file), **{name: one for name, one in given.items() if one is not None}}
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 text: {error}") from error
    return memory.add(Document(text, title=file.name), **given)


def _lines(memory: Memory, given: dict[str, Any]) -> Iterator[list[MemCube]]:
    said = (line for line in _stdin().splitlines() if line.strip())
    while batch := list(islice(said, _BATCH)):
        yield memory.add(batch, **given)


def _stdin() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise click.UsageError("there is no text: give one in quotes, or pipe it in")
    try:
        return sys.stdin.buffer.read().decode("utf-8").rstrip("\n")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"stdin is not UTF-8 text: {error}") from error
