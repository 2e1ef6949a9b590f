"""The days a question asks about: those it names, and those beside an event that it describes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from mnemon import analysis
from mnemon.store.view import View
from mnemon.text import dates
from mnemon.text.expressions import NUMBER, count, vague
from mnemon.text.query import Query, Ranking
from mnemon.text.retrieve._kept import Kept
from mnemon.text.retrieve.words import Words
from mnemon.text.when import When, read

_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1).toordinal()
_OLDER = 0.8  # what an earlier year counts, for a day named without one
_LOOSE = 0.5  # what "recently" counts, when nothing else is named
_YEARS = 20
_EVENT = re.compile(
    rf"(?:\b{NUMBER} (?P<unit>day|week|month|year)s? |\b(?:shortly|right|soon|just|immediately) )?"
    r"\b(?P<side>before|after|since|following|prior to|until)\s+(?P<event>[^,?;.!]+)"
)
_BACK = ("before", "prior to", "until")
_REACH = 21  # days after or before an event that a question leaves open
_LIKE = 0.35  # of a perfect match, from where a cube may be the event that is described
_LONG = 31  # days: what is told of more than a month is no date of an event


@dataclass(frozen=True, slots=True)
class Asked:
    """Days since 1970, from `first` to `last`; how much they count; the question's words for them;
    `side` 1 when it asks for what came after the first, -1 for what came before the last."""

    first: int
    last: int
    weight: float
    text: str
    side: int = 0


def day_of(micros: int) -> date:
    """The day (UTC) of a moment."""
    return date.fromordinal(micros // _DAY + _EPOCH)


def number_of(day: date) -> int:
    """Days since 1970."""
    return day.toordinal() - _EPOCH


def days_of(view: View) -> np.ndarray:
    """int64 [N]: the day of each version, since 1970."""
    days: np.ndarray = view.valid_from // _DAY
    return days


times = Kept(lambda text, at: tuple(read(text[:4096], day_of(at))))
"""The times that a version speaks of, seen from its own day."""


def days_named(query: Query, now: int) -> list[tuple[int, int]]:
    """(first, last) microseconds of the days that a question names: what may come every year, of
    all years of late. `now` is when it is asked, unless it says so itself."""
    found = []
    for one in _named(query, now if query.at is None else query.at):
        for back in range(_YEARS if one.recurs else 1):
            try:
                ends = [number_of(dates.shifted(day, -12 * back)) for day in (one.first, one.last)]
            except ValueError:
                break
            found.append((ends[0] * _DAY, (ends[1] + 1) * _DAY - 1))
    return found


def _named(query: Query, at: int) -> list[When]:
    """The times a question names, without "recently" where it names others."""
    named = read(query.text, day_of(at))
    return [one for one in named if not one.loose] or named


def asked(view: View, query: Query, anchors: int) -> list[Asked]:
    """The days that a question asks about; none if it names no time."""
    at = view.now if query.at is None else query.at
    named, today = _named(query, at), day_of(at)
    found = [days for one in named for days in _every(view, one)]
    event = _EVENT.search(query.text.lower())
    if event and not any(event.start() < one.end and one.start < event.end() for one in named):
        found += _beside(view, query, event, anchors, number_of(today))
    return found


def _every(view: View, one: When) -> list[Asked]:
    """A day named without a year, in every year that the memory has; the latest counts most."""
    first, last = number_of(one.first), number_of(one.last)
    if not one.recurs or not view.eligible.any():
        return [Asked(first, last, _LOOSE if one.loose else 1.0, one.text)]
    days = days_of(view)[view.eligible]
    latest = max(0, one.first.year - day_of(int(days.max()) * _DAY).year)
    earliest = one.first.year - day_of(int(days.min()) * _DAY).year + 1
    found = []
    for back in range(latest, min(latest + _YEARS, max(earliest, latest + 1))):
        try:
            ends = [number_of(dates.shifted(day, -12 * back)) for day in (one.first, one.last)]
        except ValueError:
            break
        found.append(Asked(ends[0], ends[1], _OLDER ** (back - latest), one.text))
    return found


def _beside(view: View, query: Query, event: re.Match[str], most: int, today: int) -> list[Asked]:
    """The days before or after the cubes that best match the event."""
    terms = [term for term in analysis.query_terms(event["event"]) if term in view.postings]
    found = Words(most=most).retrieve(view, replace(query, terms=tuple(terms)))
    alike = _alike(found) if terms else []
    side = 0 if event["unit"] else -1 if event["side"] in _BACK else 1
    asked = []
    for index, weight in alike:
        first, last = _happened(view, index)
        ends = _span(event, first, last, today)
        asked.append(Asked(*ends, weight, query.text[slice(*event.span())].strip(), side))
    return asked


def _alike(found: Ranking) -> list[tuple[int, float]]:
    """(index, weight) of cubes that may be the event, the likeliest 1.0."""
    near: Sequence[float] = (found.scores / max(found.ceiling, 1e-6)).tolist()
    return [
        (int(index), score / near[0])
        for index, score in zip(found.indices, near, strict=True)
        if score >= _LIKE
    ]


def _happened(view: View, index: int) -> tuple[int, int]:
    """The days on which it happened: those it speaks of, or its own."""
    own = int(days_of(view)[index])
    for one in times.of(view, [index])[0]:
        if one.days <= _LONG and not one.loose:
            return number_of(one.first), number_of(one.last)
    return own, own


def _span(event: re.Match[str], first: int, last: int, today: int) -> tuple[int, int]:
    back = event["side"] in _BACK
    if event["unit"]:
        n = count(event["n"]) * (-1 if back else 1)
        edge = date.fromordinal((first if back else last) + _EPOCH)
        ends = dates.distant(edge, n, event["unit"], vague(event["n"]))
        return number_of(ends[0]), number_of(ends[1])
    if event["side"] == "since":
        return first, max(last, today)
    return (first - _REACH, last) if back else (first, last + _REACH)
