"""Expressions: single times as English writes them, each a pattern and how to read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date

from mnemon.text import dates
from mnemon.text.dates import FEASTS, MONTHS, SEASONS, WEEKDAYS, Days, plus

Reading = Callable[[re.Match[str], date, bool], tuple[Days, bool]]
"""(match, the day on which it was said, whether the text speaks of what is to come) → (its days,
whether it comes every year). ValueError or OverflowError: it is no time."""


def any_of(words: Iterable[str]) -> str:
    """A pattern for any of some words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "a couple": 2, "a couple of": 2,
    "couple": 2, "couple of": 2, "a few": 3, "few": 3, "several": 5,
}  # fmt: skip
NUMBER = rf"(?P<n>\d{{1,3}}|{any_of(_NUMBERS)})"
_SHORT = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LAST = ("last", "past", "previous", "this past")
_ADVERBS = {
    "day before yesterday": (-2, -2), "yesterday": (-1, -1), "today": (0, 0), "tonight": (0, 0),
    "this morning": (0, 0), "this afternoon": (0, 0), "this evening": (0, 0), "tomorrow": (1, 1),
    "day after tomorrow": (2, 2), "last night": (-1, -1), "the other day": (-10, -2),
    "the other night": (-10, -2), "recently": (-30, 0), "lately": (-30, 0),
}  # fmt: skip
LOOSE = frozenset({"recently", "lately"})
"""What people say without meaning a date."""


def timely(lower: str) -> list[tuple[re.Pattern[str], Reading]]:
    """The rules that may match a lower-case text."""
    return [rule for keys, rules in RULES if _any_in(lower, keys) for rule in rules]


def _any_in(lower: str, keys: tuple[str, ...]) -> bool:
    for key in keys:  # noqa: SIM110 - any() takes four times as long
        if key in lower:
            return True
    return False


def count(number: str) -> int:
    """What `NUMBER` matched in lower-case text, as a number."""
    return int(number) if number.isdigit() else _NUMBERS[" ".join(number.split())]


def vague(number: str) -> bool:
    """Whether it is a number that nobody counted."""
    return any(word in number for word in ("couple", "few", "several"))


def _iso(match: re.Match[str], said: date, ahead: bool) -> tuple[Days, bool]:
    day = date(*(int(match[group]) for group in (1, 2, 3)))
    return (day, day), False


def _numeric(match: re.Match[str], said: date, ahead: bool) -> tuple[Days, bool]:
    """Day first with dots; with slashes month first, unless that cannot be."""
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    number, day = (second, first) if match[2] == "." or first > 12 else (first, second)
    found = date(year if year > 99 else 2000 + year, number, day)
    return (found, found), False


def _range(match: re.Match[str], said: date, ahead: bool) -> tuple[Days, bool]:
    """3 to 5 May."""
    (first, last), recurs = _calendar(match, said, ahead)
    return (first.replace(day=int(match["from"])), last), recurs


def _calendar(match: re.Match[str], said: date, ahead: bool) -> tuple[Days, bool]:
    """A month, day of the year, season or feast, with or without a year."""
    told = {name: text for name, text in match.groupdict().items() if text}
    occurrence = _occurrence(told)
    if "year" in told:
        return occurrence(int(told["year"])), False
    every = dates.yearly(occurrence, said)
    relation = told.get("relation")
    if relation == "this":
        return occurrence(said.year), False
    if relation in _LAST:
        return max(days for days in every if days[1] < said), False
    if relation:
        return min(days for days in every if days[0] > said), False
    if ahead:
        return min(days for days in every if days[1] >= said), True
    return max(days for days in every if days[0] <= said), True


def _occurrence(told: dict[str, str]) -> Callable[[int], Days]:
    if "season" in told:
        return lambda year: dates.season(told["season"], year)
    if "feast" in told:
        return lambda year: dates.feast(told["feast"], year)
    number = _SHORT.index(told["month"][:3]) + 1
    if "day" in told:
        day = int(told["day"])
        return lambda year: (date(year, number, day),) * 2
    return lambda year: dates.month(year, number)


def _ago(match: re.Match[str], said: date, ahead: bool) -> tuple[Days, bool]:
    n = count(match["n"])
    return dates.distant(said, -n, match["unit"], vague(match["n"])), False


def _hence(match: re.Match[str], said: date, ahead: bool) -> tuple[Days, bool]:
    if match[0].startswith("in a") and not ahead:
        raise ValueError("twice in a week is no time")
    n = count(match["n"])
    return dates.distant(said, n, match["unit"], vague(match["n"])), False


def _stretch(match: re.Match[str], said: date, ahead: bool) -> tuple[Days, bool]:
    """The last two weeks, the next three days."""
    by = -1 if match["relation"] in _LAST else 1
    first, last = dates.distant(said, by * count(match["n"]), match["unit"])
    far = plus(first, (last - first).days // 2)
    return (min(far, said), max(far, said)), False


def _relative(match: re.Match[str], said: date, ahead: bool) -> tuple[Days, bool]:
    relation = match["relation"]
    by = -1 if relation in _LAST else 0 if relation == "this" else 1
    if match["weekday"]:
        return (dates.weekday(match["weekday"], said, by),) * 2, False
    unit = match["unit"]
    if unit == "weekend" and "coming" in relation:
        by = int(said.weekday() > 4)
    return dates.turn(said, by, unit), False


def _adverb(match: re.Match[str], said: date, ahead: bool) -> tuple[Days, bool]:
    first, last = _ADVERBS[match[0]]
    return (plus(said, first), plus(said, last)), False


def _bare(match: re.Match[str], said: date, ahead: bool) -> tuple[Days, bool]:
    """A weekday, or "the weekend"."""
    if match["weekday"]:
        return (dates.weekday(match["weekday"], said, 1 if ahead else -1),) * 2, False
    return dates.weekend(said, 0 if ahead or said.weekday() > 4 else -1), False


def _whole_year(match: re.Match[str], said: date, ahead: bool) -> tuple[Days, bool]:
    return dates.turn(date(int(match["year"]), 1, 1), 0, "year"), False


_UNIT = r"(?P<unit>day|night|weekend|week|fortnight|month|quarter|year|decade)"
_MONTH = rf"(?P<month>{any_of(MONTHS)}|(?:{any_of([*_SHORT, 'sept'])})\b\.?)"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)\b(?![,.]\d|\s*(?:[€$£%]|euros?\b|dollars?\b|people\b|words\b))"
_WEEKDAY = rf"(?P<weekday>{any_of(WEEKDAYS)}|(?:mon|tues?|wed|thurs?|thu|fri|sat|sun)\b)"
_SEASON = rf"(?P<season>{any_of(SEASONS)})"
_FEAST = rf"(?P<feast>{any_of(FEASTS)})(?: day)?"
_RELATION = r"(?P<relation>this past|this coming|last|past|previous|this|next|coming|upcoming)"
_OF = (
    r"(?:in|of|between|since|during|until|till|by|through|around|late|early|mid|before|after|from"
    r"|to|and)"
)
_ON = rf"(?:(?:{any_of(WEEKDAYS)}),? (?:the )?)?"
# Words of their own ("may", "march") and names ("April", "June") are months behind "in" and so on.
_CERTAIN = "january|february|july|september|october|november|december"

_DIGITS = tuple("0123456789")
_RELATED = ("last", "past", "previous", "this", "next", "coming")
_YEARLY = (*SEASONS, *FEASTS)

# For lower-case text. Rules are tried where one of their keys is in it: few texts speak of a time.
RULES: list[tuple[tuple[str, ...], list[tuple[re.Pattern[str], Reading]]]] = [
    (keys, [(re.compile(pattern), reading) for pattern, reading in rules])
    for keys, rules in (
        (_DIGITS, (
            (r"\b(\d{4})-(\d\d)-(\d\d)\b", _iso),
            (r"\b(\d{1,2})([./])(\d{1,2})[./](\d{4}|\d\d)\b", _numeric),
            (rf"\b(?P<from>[0-3]?\d) ?(?:to|and|-|–) ?{_DAY} {_MONTH}(?:,? {_YEAR})?", _range),
            (rf"\b{_ON}{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR})?", _calendar),
            (rf"\b{_ON}{_MONTH} (?:the )?{_DAY}\b(?!:)(?:,? {_YEAR})?", _calendar),
            (rf"\b{_MONTH}(?: of|,)? {_YEAR}", _calendar),
            (rf"\b(?:{_RELATION} )?(?:{_SEASON}|{_FEAST})(?: of|,)? {_YEAR}", _calendar),
            (rf"\b(?:{_OF}|in the year) (?P<at>{_YEAR})", _whole_year),
        )),
        (_RELATED, (
            (rf"\b{_RELATION} (?:{_MONTH}|{_SEASON}|{_FEAST})\b", _calendar),
            (rf"\b{_RELATION} {NUMBER} {_UNIT}s?\b", _stretch),
            (rf"\b{_RELATION} (?:{_UNIT}\b|{_WEEKDAY})", _relative),
        )),
        (_SHORT, (
            (rf"\b{_OF} (?P<at>{_MONTH})\b(?! \d)", _calendar),
            (rf"\b(?P<month>{_CERTAIN})\b(?! \d)", _calendar),
        )),
        (_YEARLY, (
            (rf"\b(?:in|over|during|since|until|by)(?: the)? (?P<at>{_SEASON})\b", _calendar),
            (rf"\b{_FEAST}\b", _calendar),
        )),
        (("ago", "earlier", "back"), (
            (rf"\b{NUMBER} {_UNIT}s? (?:ago|earlier|back)\b", _ago),
        )),
        (("from", "later"), (
            (rf"\b{NUMBER} {_UNIT}s? (?:from now|from today|later)\b", _hence),
        )),
        (("in ",), (
            (rf"\bin {NUMBER} {_UNIT}s?\b(?! ago)", _hence),
        )),
        (tuple(_ADVERBS), (
            (rf"\b(?:{any_of(_ADVERBS)})\b", _adverb),
        )),
        (("day", "weekend"), (
            (rf"\b(?:(?P<weekday>{any_of(WEEKDAYS)})|the weekend)\b", _bare),
        )),
    )
]  # fmt: skip
