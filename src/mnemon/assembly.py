"""Assembling a prompt: hits → text under a token budget, in time order, cited, byte-stable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mnemon.cube import Hit, MemCube

Counter = Callable[[Sequence[str]], list[int]]
"""Texts → tokens of each."""


def choose(hits: Sequence[Hit], budget: int, count: Counter) -> list[Hit]:
    """The best hits whose lines fit into `budget` tokens, best first, no text twice.

    A hit too long for what is left is passed over, so that shorter ones behind it still serve.
    """
    unique = _distinct(hits)
    headings = sorted({_day(hit.cube) for hit in unique})
    counted = count([*map(_heading, headings), *(_line(0, hit.cube) for hit in unique)])
    days = dict(zip(headings, counted, strict=False))
    costs = counted[len(headings) :]
    chosen: list[Hit] = []
    left, paid = budget, set[str]()
    for hit, cost in zip(unique, costs, strict=True):
        day = _day(hit.cube)
        whole = cost + (0 if day in paid else days[day])
        if whole <= left:
            chosen.append(hit)
            paid.add(day)
            left -= whole
    return chosen


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    seen: set[tuple[str | None, str]] = set()
    unique = []
    for hit in hits:
        mark = (hit.cube.speaker, " ".join(hit.cube.content.split()).casefold())
        if mark not in seen:
            seen.add(mark)
            unique.append(hit)
    return unique


def render(hits: Sequence[Hit]) -> tuple[str, tuple[str, ...]]:
    """(text, ids in the order of their numbers): oldest first, a heading a day, numbered lines."""
    ordered = sorted((hit.cube for hit in hits), key=lambda cube: (cube.valid_from, cube.id))
    lines: list[str] = []
    today = ""
    for number, cube in enumerate(ordered, start=1):
        if _day(cube) != today:
            today = _day(cube)
            lines.append(_heading(today))
        lines.append(_line(number, cube))
    return "".join(lines), tuple(cube.id for cube in ordered)


def _day(cube: MemCube) -> str:
    return cube.valid_from.date().isoformat()


def _heading(day: str) -> str:
    return f"{day}\n"


def _line(number: int, cube: MemCube) -> str:
    said = " ".join(cube.content.split())
    who = f"{cube.speaker}: " if cube.speaker else ""
    return f"[{number}] {who}{said}\n"
