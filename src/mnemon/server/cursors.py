"""Cursors: where a listing goes on. Opaque to callers, and stable while others write.

A listing of more than one page is of the moment when it began: what is added, changed or
forgotten meanwhile neither shifts a page nor appears twice. The journal only grows, so there a
number will do.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from mnemon.cube import Event, MemCube
from mnemon.errors import InvalidInput, InvalidTime
from mnemon.instant import from_micros, now_micros, parse
from mnemon.job import Job
from mnemon.server.replies import Cubes, Events, Jobs


def cubes(ask: Callable[..., list[MemCube]], limit: int, cursor: str | None, **of: Any) -> Cubes:
    """One page; `ask` is `Memory.list` with everything else given."""
    if cursor is not None:
        of["as_of"], of["after"] = _read(cursor, str, str)
        _check_moment(of["as_of"])
    found = ask(limit=limit, **of)
    if len(found) < limit:
        return Cubes(tuple(found), None)
    if of["as_of"] is None:
        # Read again at a fixed moment, which the next pages will share.
        of["as_of"] = from_micros(now_micros()).isoformat()
        found = ask(limit=limit, **of)
    return Cubes(tuple(found), _write(of["as_of"], found[-1].id) if found else None)


def events(
    ask: Callable[..., list[Event]], limit: int, cursor: str | None, before: int | None
) -> Events:
    """One page, the newest first page; `ask` is `Memory.log` with everything else given."""
    if cursor is not None:
        (before,) = _read(cursor, int)
    found = ask(limit=limit, before=before)
    more = len(found) == limit
    return Events(tuple(found), _write(found[0].seq) if more else None)


def jobs(
    ask: Callable[..., list[Job[Any]]], limit: int, cursor: str | None, before: str | None
) -> Jobs:
    """One page, the newest first; `ask` is `Jobs.list` with everything else given."""
    if cursor is not None:
        (before,) = _read(cursor, str)
    found = ask(limit=limit, before=before)
    return Jobs(tuple(found), _write(found[-1].id) if len(found) == limit else None)


def _write(*parts: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def _read(cursor: str, *kinds: type) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        parts = None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
        raise InvalidInput(
            f"{cursor[:80]!r} is no cursor of this list: pass `next` as it was given"
        )
    return parts


def _check_moment(moment: str) -> None:
    try:
        parse(moment)
    except InvalidTime as error:
        raise InvalidInput("the cursor is not of this server: begin again without it") from error
