"""Ids as people type them: ids begin with the time, so the last characters tell them apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mnemon.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from mnemon.memory import Memory

_WHOLE = 36
_FEWEST = 4
_SHORT = 8


def short(id: str) -> str:
    """The end of an id, as printed for people."""
    return id[-_SHORT:]


def resolve(memory: Memory, typed: str) -> str:
    """The whole id for a whole id or the end of one.

    Raises:
        InvalidInput: too short, or several ids end so.
        NotFound: none does.
    """
    if len(typed) == _WHOLE:
        return typed.lower()
    if len(typed) < _FEWEST:
        raise InvalidInput(f"{typed!r} is too short for an id: give its last 4 characters or more")
    found = memory.find(typed)
    if not found:
        raise NotFound(f"no id ends in {typed!r} in namespace {memory.namespace!r}")
    if len(found) > 1:
        raise InvalidInput(f"several ids end in {typed!r}: {', '.join(found)}")
    return found[0]


def resolve_all(memory: Memory, typed: Iterable[str]) -> list[str]:
    """Each of several; see `resolve`."""
    return [resolve(memory, one) for one in typed]
