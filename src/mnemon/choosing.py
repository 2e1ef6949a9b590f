"""Choosing: the arguments by which calls name cubes → a store's filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mnemon.instant import Instant, parse, to_micros
from mnemon.store.rows import Filter

Kinds = str | Sequence[str] | None


def chosen(
    scope: str,
    reader: str,
    *,
    kind: Kinds = None,
    since: Instant | None = None,
    until: Instant | None = None,
    as_of: Instant | None = None,
    valid_at: Instant | None = None,
    **more: Any,
) -> Filter:
    """A filter for a scope and what `reader` may see; `more` are its other fields as they are.

    Raises:
        InvalidTime: a time that cannot be read.
    """
    return Filter(
        scope,
        kinds=(kind,) if isinstance(kind, str) else None if kind is None else tuple(kind),
        since=micros(since),
        until=micros(until),
        as_of=micros(as_of),
        valid_at=micros(valid_at),
        reader=reader,
        **more,
    )


def micros(moment: Instant | None) -> int | None:
    """Microseconds of a moment, if there is one."""
    return None if moment is None else to_micros(parse(moment))
