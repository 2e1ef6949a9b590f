"""Reading the fields of one entry: the value, or `Broken` with a reason people understand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mnemon import instant
from mnemon.errors import InvalidTime

# Seconds since 1970 reach this in the year 5138; above it a number counts milliseconds.
_MILLISECONDS = 1e11
_COUNT = re.compile(r"[0-9]+(\.[0-9]+)?")


class Broken(ValueError):
    """An entry that cannot be read; the importer turns it into `Malformed` with its place."""


def text(entry: Mapping[str, Any], name: str) -> str:
    """The text under `name`.

    Raises:
        Broken: missing, or no text.
    """
    value = entry.get(name)
    if not isinstance(value, str):
        raise Broken(f"{name!r} is missing" if value is None else f"{name!r} is no text")
    return value


def label(entry: Mapping[str, Any], *names: str) -> str | None:
    """The first of `names` that is a non-blank text or a whole number, as text."""
    for name in names:
        value = entry.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value.strip():
            return value
    return None


def spoken(content: str) -> str:
    """`content`, if there is something in it.

    Raises:
        Broken: nothing but white space.
    """
    if not content.strip():
        raise Broken("the text is empty")
    return content


def mapping(value: object, what: str) -> dict[str, Any]:
    """`value`, if it is an object.

    Raises:
        Broken: it is something else.
    """
    if not isinstance(value, dict):
        raise Broken(f"{what} is {_kind(value)}, not an object")
    return value


def sequence(value: object, what: str) -> list[Any]:
    """`value`, if it is a list.

    Raises:
        Broken: it is something else.
    """
    if not isinstance(value, list):
        raise Broken(f"{what} is {_kind(value)}, not a list")
    return value


def moment(value: object) -> datetime:
    """A time in UTC from ISO 8601 text, or seconds or milliseconds since 1970 (also as text).

    Raises:
        Broken: cannot be read.
    """
    # Eight digits are the date 20240507; more are a clock's count.
    if isinstance(value, str) and len(value) > 8 and _COUNT.fullmatch(value):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = value / 1000 if _MILLISECONDS < abs(value) < _MILLISECONDS**2 else value
    try:
        return instant.parse(value)  # type: ignore[arg-type]  # it refuses what it cannot read
    except InvalidTime as error:
        raise Broken(str(error)) from error


def told(**fields: object) -> dict[str, Any]:
    """Metadata: the fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {}, False)}


def names(entries: object, *fields: str) -> list[str]:
    """What the objects of a list are called, by the first of `fields` that each has."""
    if not isinstance(entries, list):
        return []
    found = (label(entry, *fields) for entry in entries if isinstance(entry, dict))
    return [name for name in found if name]


def _kind(value: object) -> str:
    return "missing" if value is None else type(value).__name__
