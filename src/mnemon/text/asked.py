"""What a question is after: a time, a number, a place; and the months it names."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_WHEN = re.compile(
    r"^\s*when\b|\b(?:what|which) (?:date|day|month|year|week|weekday|time)\b|\bhow long\b",
    re.IGNORECASE,
)
_MANY = re.compile(r"\bhow (?:many|much|often|old|far|big|large|long)\b", re.IGNORECASE)
_WHERE = re.compile(
    r"^\s*where\b|\b(?:what|which) (?:city|country|place|town|state)\b", re.IGNORECASE
)
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAY = re.compile(
    rf"(?:\b(\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+)?\b({'|'.join(_MONTHS)})\b"
    r"(?:\s+(?:the\s+)?(\d{1,2})(?:st|nd|rd|th)?\b)?",
    re.IGNORECASE,
)
# "may" and "march" are also verbs: they count as months only where a date stands.
_MONTH = re.compile(
    r"\b(january|february|april|june|july|august|september|october|november|december)\b"
    r"|\b(?:in|on|of|since|during|until|by|last|this|early|late|mid)\s+(?:\d+\w*\s+)?(may|march)\b"
    r"|\b(may|march)\s+(?:\d|20)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """1.0 where the question asks for a time, a number, a place; else 0.0."""

    when: float
    many: float
    where: float


def kind(question: str) -> Asked:
    """What a question asks for, by its question words (English)."""
    return Asked(*(float(bool(what.search(question))) for what in (_WHEN, _MANY, _WHERE)))


def months(question: str) -> set[int]:
    """The months (1 to 12) a question names."""
    named = (group for found in _MONTH.findall(question) for group in found if group)
    return {_MONTHS.index(name.lower()) + 1 for name in named}


def days(question: str) -> set[tuple[int, int]]:
    """The (month, day) pairs a question names: "31 July", "October 13th"."""
    found = set()
    for first, month, last in _DAY.findall(question):
        if month and (first or last):
            found.add((_MONTHS.index(month.lower()) + 1, int(first or last)))
    return found


def day_matches(question: str, moments: np.ndarray) -> np.ndarray:
    """For microseconds since 1970 [C]: 1.0 within three days after a day the question names (what
    happened is told soon after), -1.0 elsewhere, 0.0 if it names none."""
    wanted = days(question)
    if not wanted:
        return np.zeros(len(moments), dtype=np.float32)
    dates = moments.astype("datetime64[us]").astype("datetime64[D]")
    inside = np.zeros(len(moments), dtype=bool)
    for month, day in wanted:
        for later in range(4):
            before = dates - later
            same = before.astype("datetime64[M]").astype(np.int64) % 12 + 1 == month
            inside |= same & ((before - before.astype("datetime64[M]")).astype(np.int64) + 1 == day)
    return np.where(inside, np.float32(1.0), np.float32(-1.0))


def month_matches(question: str, moments: np.ndarray) -> np.ndarray:
    """For microseconds since 1970 [C]: 1.0 in a month the question names, -1.0 in another, 0.0 if
    it names none."""
    wanted = months(question)
    if not wanted:
        return np.zeros(len(moments), dtype=np.float32)
    counted = moments.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    inside = np.isin(counted % 12 + 1, list(wanted))
    return np.where(inside, np.float32(1.0), np.float32(-1.0))
