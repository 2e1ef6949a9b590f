"""Spans of time as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

from mnemon.errors import InvalidInput

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """A span of time from `30m`, `12h` or `90d`.

    Raises:
        InvalidInput: it is not of that form.
    """
    found = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if found is None:
        raise InvalidInput(
            f"{text!r} is no duration: write minutes, hours or days as 30m, 12h, 90d"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
