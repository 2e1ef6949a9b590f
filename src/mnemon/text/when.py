"""When: the times a text speaks of, as days, seen from the day on which it was said (English).

"last Friday", said on Monday 8 May 2023, is 5 May. A month, a day of the year or a feast without a
year is the latest one, or the next where the text speaks of what is to come; it is marked `recurs`.
Alonso et al. 2007, "On the value of temporal information in information retrieval", SIGIR Forum,
https://doi.org/10.1145/1328964.1328968, tell explicit, relative and implicit expressions apart; the
rules are ours, and know no feasts by the moon and no southern seasons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from mnemon.text import dates
from mnemon.text.dates import WEEKDAYS, Days, plus
from mnemon.text.expressions import LOOSE, NUMBER, any_of, count, timely, vague


@dataclass(frozen=True, slots=True)
class When:
    """A time as a text names it: from the `first` day to the `last`; where in the text it stands;
    `recurs` when it may be meant of any year."""

    text: str
    first: date
    last: date
    start: int
    end: int
    recurs: bool = False

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def loose(self) -> bool:
        """Whether it is said without a date in mind: "recently"."""
        return self.text.lower() in LOOSE


_FUTURE = re.compile(
    r"\b(?:will|won't|gonna|going to|plan\w*|upcoming|next|tomorrow|can't wait|looking forward"
    r"|see you|soon)\b|'ll\b"
)
_SIDE = re.compile(
    rf"(?:(?:\b{NUMBER} (?P<unit>day|week|month|year)s?|\bthe (?P<one>day|night|week|weekend|month"
    rf"|year|{any_of(WEEKDAYS)})) )?\b(?P<side>before|prior to|after|following|since|until|till|by"
    r"|as of)(?: the)? $"
)
_PART = re.compile(
    r"\b(?:the )?(?P<part>early|mid|late|beginning of|start of|middle of|end of)[ -](?:the )?$"
)
_WEEK = re.compile(
    rf"\b(?P<place>first|second|third|fourth|last) (?:{NUMBER} )?(?P<unit>weekend|week|day)s?"
    r" (?:of|in)(?: the)? $"
)
_TOGETHER = re.compile(r"\s*(?:and|to|until|till|through|-|–)\s*(?:the )?")
_OPENS = re.compile(r"\b(?:between|from)\s+(?:the )?$")
_BACK = ("before", "prior to", "until", "till", "by", "as of")
_HEAD = 60  # characters before a time that may say more of it
_OPEN_DAYS = 14  # of "before" and "after" a day, when nothing says how long


def read(text: str, said: date) -> list[When]:
    """The times that a text, said on a day, speaks of, in its order.

    What cannot be a date (31 June), or lies beyond the years 1 to 9999, is passed over; a year
    in words is one of 1900 to 2099.
    """
    lower, found = text.lower(), []
    if len(lower) != len(text):
        text = lower  # a few letters are longer in lower case: places would not agree
    rules = timely(lower)
    ahead = bool(rules) and _FUTURE.search(lower) is not None
    for pattern, reading in rules:
        for match in pattern.finditer(lower):
            try:
                (first, last), recurs = reading(match, said, ahead)
            except (ValueError, OverflowError):
                continue
            start = match.start("at") if "at" in pattern.groupindex else match.start()
            if first <= last:
                found.append(
                    When(text[start : match.end()], first, last, start, match.end(), recurs)
                )
    return _apart(_joined(text, _apart(found), said)) if found else []


def _apart(found: list[When]) -> list[When]:
    """The first and longest of those that overlap."""
    kept: list[When] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _joined(text: str, found: list[When], said: date) -> list[When]:
    """ "from … to …" as one, and each with what is said before it."""
    joined: list[When] = []
    for one in found:
        both = _between(text, joined[-1], one) if joined else None
        if both is not None:
            joined[-1] = both
        else:
            joined.append(_qualified(text, one, said))
    return joined


def _between(text: str, left: When, right: When) -> When | None:
    opened = _OPENS.search(text[: left.start].lower())
    if opened is None or not _TOGETHER.fullmatch(text[left.end : right.start].lower()):
        return None
    first = left.first
    if left.recurs and not right.recurs:  # "between August and November 2023"
        first = dates.shifted(first, 12 * (right.last.year - first.year))
        first = first if first <= right.last else dates.shifted(first, -12)
    if first > right.last:
        return None
    start = opened.start()
    return When(text[start : right.end], first, right.last, start, right.end)


def _qualified(text: str, one: When, said: date) -> When:
    """What stands before a time narrows it, or moves away from it."""
    head = text[max(0, one.start - _HEAD) : one.start].lower()
    for pattern, reading in ((_PART, _part), (_WEEK, _week_of), (_SIDE, _beside)):
        if match := pattern.search(head):
            try:
                first, last = reading(match, one, said)
            except (ValueError, OverflowError):
                continue
            start = one.start - len(head) + match.start()
            return replace(one, text=text[start : one.end], first=first, last=last, start=start)
    return one


def _part(match: re.Match[str], one: When, said: date) -> Days:
    third = one.days // 3
    if third < 1:
        raise ValueError("a day has no parts")
    part = match["part"]
    if part.startswith(("early", "beginning", "start")):
        return one.first, plus(one.first, third)
    if part.startswith(("late", "end")):
        return plus(one.last, -third), one.last
    return plus(one.first, third), plus(one.last, -third)


def _week_of(match: re.Match[str], one: When, said: date) -> Days:
    if one.days < 8:
        raise ValueError("not so many weeks in a week")
    size, n = dates.SIZES[match["unit"]], count(match["n"] or "one")
    if match["place"] == "last":
        return plus(one.last, 1 - n * size), one.last
    place = ("first", "second", "third", "fourth").index(match["place"])
    first = plus(one.first, place * size)
    return first, plus(first, n * size - 1)


def _beside(match: re.Match[str], one: When, said: date) -> Days:
    side = match["side"]
    edge, by = (one.first, -1) if side in _BACK else (one.last, 1)
    if match["unit"]:
        return dates.distant(edge, by * count(match["n"]), match["unit"], vague(match["n"]))
    if match["one"]:
        return _the_one(match["one"], edge, by)
    reach = max(_OPEN_DAYS, one.days)
    if side == "since":
        return one.first, max(one.last, said)
    if side in ("until", "till", "by", "as of"):
        return plus(one.first, -reach), one.last
    return (plus(edge, -reach), plus(edge, -1)) if by < 0 else (plus(edge, 1), plus(edge, reach))


def _the_one(unit: str, edge: date, by: int) -> Days:
    """The week, weekend or Friday before or after a day."""
    if unit in WEEKDAYS:
        return (dates.weekday(unit, edge, by),) * 2
    if unit == "weekend":
        return dates.weekend(edge, by if by < 0 or edge.weekday() > 4 else 0)
    size = {"week": 7, "month": 30, "year": 365}.get(unit, 1)
    near, far = plus(edge, by), plus(edge, by * size)
    return min(near, far), max(near, far)
