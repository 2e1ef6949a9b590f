"""Dates: arithmetic of months, weeks, seasons and feasts, in whole days. Northern seasons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

Days = tuple[date, date]
"""The first and the last day, both inside."""

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
"""The month each begins with."""

FEASTS = {
    "christmas eve": (12, 24, 24), "christmas": (12, 24, 26), "xmas": (12, 24, 26),
    "boxing day": (12, 26, 26), "new year's eve": (12, 31, 31), "new years eve": (12, 31, 31),
    "new year's": (1, 1, 1), "new years": (1, 1, 1), "new year": (1, 1, 1),
    "valentine's": (2, 14, 14), "valentines": (2, 14, 14), "st patrick's": (3, 17, 17),
    "independence day": (7, 4, 4), "halloween": (10, 31, 31), "thanksgiving": (11, 0, 0),
    "easter": (0, 0, 0),
}  # fmt: skip
"""Name → (month, first day, last day); Easter and Thanksgiving move. Feasts by the moon are not
here: their days need tables."""

SIZES = {"day": 1, "night": 1, "week": 7, "weekend": 7, "fortnight": 14}
_MONTHS = {"month": 1, "quarter": 3, "year": 12, "decade": 120}


def plus(day: date, days: int) -> date:
    """So many days later."""
    return day + timedelta(days=days)


def month(year: int, number: int) -> Days:
    """All of a month, 1 to 12."""
    first = date(year, number, 1)
    return first, plus(shifted(first, 1), -1)


def shifted(day: date, months: int) -> date:
    """The same day so many months later, or the month's last if it is shorter."""
    place = day.year * 12 + day.month - 1 + months
    year, number = divmod(place, 12)
    following = date(year + (number == 11), (number + 1) % 12 + 1, 1)
    return date(year, number + 1, min(day.day, plus(following, -1).day))


def week(day: date, by: int = 0) -> Days:
    """Monday to Sunday of the week that is `by` weeks after a day's."""
    monday = plus(day, 7 * by - day.weekday())
    return monday, plus(monday, 6)


def weekend(day: date, by: int = 0) -> Days:
    """Saturday and Sunday of that week."""
    _, sunday = week(day, by)
    return plus(sunday, -1), sunday


def quarter(day: date, by: int = 0) -> Days:
    """The quarter of a year that is `by` quarters after a day's."""
    first = shifted(date(day.year, (day.month - 1) // 3 * 3 + 1, 1), 3 * by)
    return first, plus(shifted(first, 3), -1)


def season(name: str, year: int) -> Days:
    """Three months; a winter begins in its year and ends in the next."""
    first = date(year, SEASONS[name], 1)
    return first, plus(shifted(first, 3), -1)


def feast(name: str, year: int) -> Days:
    """A feast in a year."""
    if name == "easter":
        sunday = _easter(year)
        return plus(sunday, -2), plus(sunday, 1)
    number, first, last = FEASTS[name]
    if name == "thanksgiving":
        first = last = 22 + (3 - date(year, 11, 22).weekday()) % 7
    return date(year, number, first), date(year, number, last)


def _easter(year: int) -> date:
    # Anonymous Gregorian algorithm (Meeus, Astronomical Algorithms, chapter 8).
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    number, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, number, day + 1)


def weekday(name: str, day: date, by: int) -> date:
    """The one before (by -1) or after (1) a day, or from that day on (0); names may be short."""
    number = [weekday[:3] for weekday in WEEKDAYS].index(name[:3].lower())
    if by < 0:
        return plus(day, -((day.weekday() - number) % 7 or 7))
    return plus(day, (number - day.weekday()) % 7 or (7 if by else 0))


def turn(day: date, by: int, unit: str) -> Days:
    """Last (-1), this (0), next (1) week and the like."""
    if unit in ("week", "weekend", "quarter"):
        return {"week": week, "weekend": weekend, "quarter": quarter}[unit](day, by)
    if unit == "month":
        first = shifted(day.replace(day=1), by)
        return month(first.year, first.month)
    if unit in ("year", "decade"):
        size = 1 if unit == "year" else 10
        first = date((day.year // size + by) * size, 1, 1)
        return first, plus(shifted(first, 12 * size), -1)
    return distant(day, by, unit)


def distant(day: date, n: int, unit: str, vague: bool = False) -> Days:
    """So many units later (or earlier): the day, and as many around it as the unit leaves open."""
    if unit in SIZES:
        found, slack = plus(day, n * SIZES[unit]), SIZES[unit] // 2
    else:
        found, slack = shifted(day, n * _MONTHS[unit]), 10 * _MONTHS[unit]
    slack = max(slack * 2, 1) if vague else slack
    return plus(found, -slack), plus(found, slack)


def yearly(occurrence: Callable[[int], Days], day: date) -> list[Days]:
    """What comes every year (year → its days), in the years around a day; 29 February seldom."""
    found = []
    for year in range(max(1, day.year - 8), min(9999, day.year + 9)):
        try:
            found.append(occurrence(year))
        except ValueError:
            continue
    return found
