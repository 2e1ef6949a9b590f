"""A timeline's pages: whole days, the newest first, each in the order in which things were said.

A list is read in the order it was recorded, which an import shuffles. So days are found by asking
for stretches of time that grow until they fill a page, and are halved where they hold too much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from mnemon.cube import MemCube

WANT = 50
_MOST = 200
_GROWTH = 4
_DAY = timedelta(1)

Ask = Callable[..., list[MemCube]]
"""`Memory.list` with everything given but `since`, `until`, `after` and `limit`."""


@dataclass(frozen=True, slots=True)
class Day:
    """What one day holds, or a part of it."""

    date: datetime
    cubes: tuple[MemCube, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Days, and where the page after them begins: before a day; with `after`, in that day after a
    cube."""

    days: tuple[Day, ...]
    before: date | None = None
    after: str | None = None


def page(
    ask: Ask, today: date, before: date | None = None, after: str | None = None, want: int = WANT
) -> Page:
    """At least `want` cubes of the newest days (before one), if there are so many."""
    if before is not None and after is not None:
        return _crowded(ask, before, after, want)
    if before == date.min:
        return Page(())
    found: list[MemCube] = []
    until, since, step = before, today if before is None else before - _DAY, _DAY
    less = _DAY
    while True:
        part = ask(since=_start(since), until=_start(until), after=None, limit=_MOST)
        width = (until or date.max) - since
        if len(part) < _MOST:
            found += part
            if len(found) >= want or since == date.min:
                return _whole(found, want, None if since == date.min else since)
            until, since, step = since, _back(since, step), step * _GROWTH
        elif width > _DAY:
            # By a day first: what there is much of is mostly of today, and the future is long.
            less = min(width / 2, less)
            since, step, less = since + less, _DAY, less * _GROWTH
        else:
            return _whole(found, want, until) if found else _crowded(ask, since, None, want)


def _back(day: date, step: timedelta) -> date:
    return day - min(step, day - date.min)


def _start(day: date | None) -> datetime | None:
    if day is None or day == date.min:
        return None
    return datetime.combine(day, time(), UTC)


def _whole(found: Sequence[MemCube], want: int, rest: date | None) -> Page:
    days: list[Day] = []
    shown = 0
    ordered = sorted(found, key=lambda cube: cube.valid_from)
    by_day = [(day, [*of]) for day, of in groupby(ordered, lambda cube: cube.valid_from.date())]
    for day, cubes in reversed(by_day):
        if shown >= want:
            return Page(tuple(days), days[-1].date.date())
        days.append(Day(datetime.combine(day, time(), UTC), tuple(cubes)))
        shown += len(cubes)
    return Page(tuple(days), rest)


def _crowded(ask: Ask, day: date, after: str | None, want: int) -> Page:
    """A part of a day that holds too much for one page."""
    end = None if day == date.max else day + _DAY
    cubes = ask(since=_start(day), until=_start(end), after=after, limit=want + 1)
    shown = Day(datetime.combine(day, time(), UTC), tuple(cubes[:want]))
    return Page((shown,), day, cubes[want - 1].id if len(cubes) > want else None)
