"""Answers: values of the vocabulary as JSON, a cube's version as its ETag, typed envelopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Response
from starlette.responses import JSONResponse

from mnemon.cube import Event, MemCube
from mnemon.errors import InvalidInput
from mnemon.job import Job
from mnemon.wire.plain import plain


@dataclass(frozen=True, slots=True)
class Cubes:
    """A page of cubes; `next` is the cursor of the page after it, if there may be one."""

    cubes: tuple[MemCube, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Events:
    """A page of the journal, oldest event first; `next` is the cursor of the page of older ones."""

    events: tuple[Event, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Jobs:
    """A page of jobs, the newest first; `next` is the cursor of the page of older ones."""

    jobs: tuple[Job[Any], ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many."""

    count: int


@dataclass(frozen=True, slots=True)
class Unlinked:
    """Whether there was such a link."""

    unlinked: bool


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace's path and how many current cubes it has."""

    namespace: str
    cubes: int


class Reply(JSONResponse):
    """Any value of the vocabulary, as the command line's `--json` shows it."""

    def render(self, content: Any) -> bytes:
        """The body."""
        try:
            return orjson.dumps(content)
        except TypeError:  # what it knows not: integers of more than 64 bits
            return super().render(plain(content))


def cube(found: MemCube, if_none_match: str | None = None) -> Response:
    """A cube with its ETag; 304 without it when the caller has that version."""
    tag = f'"{found.version}"'
    known = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers={"ETag": tag})
    return Reply(found, headers={"ETag": tag})


def expected(if_match: str | None, version: int | None = None) -> int | None:
    """The version that `If-Match` (or a body's `version`) says was read; None for any.

    Raises:
        InvalidInput: no ETag of ours, or not the version that the body has.
    """
    if if_match is None or if_match.strip() == "*":
        return version
    told = if_match.strip().strip('"')
    if not told.isdecimal() or if_match.strip() != f'"{told}"':
        raise InvalidInput(f'If-Match is {if_match!r}: send one ETag of a cube, such as "3", or *')
    if version not in (None, int(told)):
        raise InvalidInput(f"If-Match says version {told}, the body says {version}: leave one out")
    return int(told)
