"""The text of a recall: oldest first, a heading a day, numbered lines, who says them.

    8 May 2023
    1 Caroline: I went to a support group yesterday.
    2 It was so powerful.
    3 Melanie: Wow!

A line without a name goes on as the line above it; what nobody said is a "note", or its kind, where
a name would stand. Dates have the resolution of a day and no locale. Tokens were saved where they
tell nothing: half of the numbers' and a third of the headings'.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from mnemon.cube import MemCube

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_NOBODY = "note"


def heading(day: date) -> str:
    """The line above those of a day."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}\n"


def label(speaker: str | None, kind: str) -> str:
    """Who says a line, or what it is; "" for what nobody said."""
    return speaker or ("" if kind == "episode" else kind)


def number(place: int) -> str:
    """What a line is cited by."""
    return str(place)


def opening(label: str, above: str, digit: bool) -> str:
    """What stands between the number and the words, given the label of the line above ("" for the
    first of a day) and whether the words begin with a `digit`, into which a number must not run."""
    if label != above:
        return f" {label or _NOBODY}: "
    return ": " if digit else " "


def squeezed(content: str) -> str:
    """A content as one line."""
    return " ".join(content.split())


def render(cubes: Sequence[MemCube]) -> tuple[str, tuple[str, ...]]:
    """(text, ids in the order of their numbers)."""
    ordered = sorted(cubes, key=lambda cube: (cube.valid_from, cube.id))
    parts: list[str] = []
    today, above = None, ""
    for place, cube in enumerate(ordered, start=1):
        if (day := cube.valid_from.date()) != today:
            today, above = day, ""
            parts.append(heading(day))
        said, who = squeezed(cube.content), label(cube.speaker, cube.kind)
        parts.append(f"{number(place)}{opening(who, above, said[:1].isdigit())}{said}\n")
        above = who
    return "".join(parts), tuple(cube.id for cube in ordered)
