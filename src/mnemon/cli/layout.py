"""Text for people: widths as a terminal counts them, wrapping, tables."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime

import click

_GAP = "  "
_FEWEST = 16
_WIDEST = 100  # longer lines are hard to read


def is_terminal() -> bool:
    """Whether stdout is one."""
    return sys.stdout.isatty()


def columns() -> int:
    """How wide to print what is wrapped."""
    return max(30, min(_WIDEST, _terminal()))


def _terminal() -> int:
    return shutil.get_terminal_size((80, 24)).columns


def safe(text: str) -> str:
    """Text without control characters, which could steer the terminal; newlines and tabs stay."""
    return "".join(
        "\ufffd" if unicodedata.category(char) == "Cc" and char not in "\n\t" else char
        for char in text
    )


def line(text: str) -> str:
    """Text on one line."""
    return safe(" ".join(text.split()))


def day(moment: datetime) -> str:
    """The date."""
    return moment.date().isoformat()


def minute(moment: datetime) -> str:
    """Date and time to the minute, in UTC."""
    return moment.strftime("%Y-%m-%d %H:%M")


def width(text: str) -> int:
    """Columns of a terminal that text takes: wide letters two, combining marks none."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrap(text: str, room: int) -> list[str]:
    """Lines of at most `room` columns; a word longer than that is cut."""
    lines, current = [], ""
    for word in _words(line(text), room):
        joined = f"{current} {word}" if current else word
        if width(joined) <= room:
            current = joined
        else:
            lines.append(current)
            current = word
    return [*lines, current] if current else lines


def _words(text: str, room: int) -> Iterator[str]:
    for word in text.split(" "):
        piece = ""
        for char in word if width(word) > room else ():
            if width(piece) + _cells(char) > room:
                yield piece
                piece = ""
            piece += char
        yield piece or word


def indented(text: str, by: int) -> str:
    """Text wrapped to the terminal's width behind a margin of `by` spaces."""
    return "\n".join(" " * by + one for one in wrap(text, columns() - by))


def counted(number: int, noun: str) -> str:
    """`1 cube`, `2 cubes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned rows; on a terminal each is cut to one line, at its last column."""
    cells = [[line(str(cell)) if cell is not None else "" for cell in row] for row in rows]
    *sizes, _ = (max(map(width, column)) for column in zip(heads, *cells, strict=True))
    room = _terminal() - sum(sizes) - len(_GAP) * len(sizes) if is_terminal() else None
    click.secho(_aligned(heads, sizes, room), bold=True)
    for row in cells:
        click.echo(_aligned(row, sizes, room))


def _aligned(row: Sequence[str], sizes: Sequence[int], room: int | None) -> str:
    *first, last = row
    padded = [cell + " " * (size - width(cell)) for cell, size in zip(first, sizes, strict=True)]
    return _GAP.join([*padded, last if room is None else cut(last, room)]).rstrip()


def cut(text: str, room: int) -> str:
    """Text in at most `room` columns (but never fewer than a few), "…" for what is left out."""
    room = max(room, _FEWEST)
    if width(text) <= room:
        return text
    kept, taken = "", 1
    for char in text:
        taken += _cells(char)
        if taken > room:
            break
        kept += char
    return kept + "…"
