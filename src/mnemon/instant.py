"""Points in time: anything a user may write → aware UTC `datetime` → integer microseconds.

Microseconds since 1970 (negative before) are what the store keeps: exact, sortable, one number.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

from mnemon.errors import InvalidTime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Instant = datetime | date | str | int | float


def parse(value: Instant) -> datetime:
    """An aware UTC datetime from a datetime, a date, ISO 8601 text, or seconds since 1970.

    A value without a zone is taken as UTC; a date is its midnight.

    Raises:
        InvalidTime: cannot be read, or lies outside the years 1 to 9999.
    """
    try:
        moment = _read(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError, TypeError) as error:
        raise InvalidTime(
            f"cannot read {str(value)[:80]!r} as a time ({error}): use ISO 8601 such as "
            "'2024-05-07T18:30:00+02:00', a datetime, or seconds since 1970"
        ) from error


def _read(value: Instant) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, bool):
        raise TypeError("a truth value is no time")
    if isinstance(value, int | float):
        return _EPOCH + timedelta(seconds=value)
    if isinstance(value, str):
        return datetime.fromisoformat(value.strip())
    raise TypeError(f"{type(value).__name__} is no time")


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The inverse of `to_micros`, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def now_micros() -> int:
    """The wall clock, in microseconds since 1970."""
    return time.time_ns() // 1000
