"""Values as people read them. What was remembered may hold anything, so text is escaped, and
characters that could rearrange or hide other text are shown by their code."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from mnemon.wire.plain import plain

# Control characters; overrides and isolates of direction; invisible characters that can carry
# text nobody sees. Joiners and direction marks stay: Persian, Hindi and emoji need them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u2028\u2029\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]+"
)
_EXCERPT = 600
_NAMED = 12
_LONGEST = 16
_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def text(value: object, words: Iterable[str] = ()) -> Markup:
    """Text, with some words of it marked."""
    told = str(value)
    listed = sorted({word for word in words if word}, key=len, reverse=True)
    if not listed:
        return _visible(told)
    either = "|".join(map(re.escape, listed))
    parts = re.split(rf"(?<!\w)({either})(?!\w)", told, flags=re.IGNORECASE)
    shown = (
        Markup("<mark>{}</mark>").format(_visible(part)) if place % 2 else _visible(part)
        for place, part in enumerate(parts)
    )
    return Markup("").join(shown)


def _visible(told: str) -> Markup:
    return Markup(_HIDDEN.sub(_code, str(escape(told))))


def _code(found: re.Match[str]) -> str:
    run = found[0]
    names = ", ".join(
        f"U+{ord(char):04X} {unicodedata.name(char, 'control character')}" for char in run[:_NAMED]
    )
    label = f"U+{ord(run[0]):04X}" if len(run) == 1 else f"{len(run)} hidden characters"
    return f'<span class="hidden-char" title="{escape(names)}">{label}</span>'


def flat(value: object, most: int = 60) -> str:
    """Text on one line for a title or a label, without what steers it."""
    told = " ".join(_HIDDEN.sub("\ufffd", str(value)).split())
    return told if len(told) <= most else told[: most - 1] + "…"


def excerpt(told: str, words: Iterable[str] = ()) -> str:
    """The part of a long text that holds the first of some words; all of a short one."""
    if len(told) <= _EXCERPT:
        return told
    low = told.casefold()
    places = [place for word in words if (place := low.find(word.casefold())) >= 0]
    start = max(0, min(min(places, default=0) - _EXCERPT // 4, len(told) - _EXCERPT))
    end = start + _EXCERPT
    return f"{'…' if start else ''}{told[start:end]}{'…' if end < len(told) else ''}"


def moment(at: datetime) -> Markup:
    """Date and time to the minute; a midnight is a day."""
    whole = at.hour == at.minute == at.second == at.microsecond == 0
    return _time(at, _date(at) if whole else f"{_date(at)}, {at:%H:%M}")


def day(at: datetime) -> Markup:
    """The date."""
    return _time(at, _date(at))


def clock(at: datetime) -> Markup:
    """The time of day, to the second."""
    return _time(at, f"{at:%H:%M:%S}")


def _date(at: datetime) -> str:
    return f"{at.day} {at:%b} {at.year}"


def _time(at: datetime, told: str) -> Markup:
    exact = f"{at.isoformat(sep=' ', timespec='seconds').removesuffix('+00:00')} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), exact, told)


def number(value: float) -> str:
    """12,345."""
    return f"{value:,}"


def counted(value: int, noun: str) -> str:
    """`1 cube`, `2 cubes`."""
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def size(value: float) -> str:
    """Bytes in the unit that suits them."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def short(id: str) -> str:
    """The end of an id, which tells it from others."""
    return id[-8:]


def detail(told: Mapping[str, Any]) -> str:
    """An event's detail in a line, its ids and digests cut."""
    return ", ".join(f"{name} {_cut(as_json(value))}" for name, value in told.items())


def _cut(told: str) -> str:
    return short(told) if _ID.fullmatch(told) else flat(told, _LONGEST)


def as_json(value: Any) -> str:
    """A value of somebody's own; text is itself."""
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)
