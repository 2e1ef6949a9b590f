"""Gathering: adds of several callers that arrive together, embedded and made durable as one.

Each is all or none by itself: what is wrong with one harms no other. All are on disk when it
returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnemon import intake, methods
from mnemon.cube import Draft, MemCube
from mnemon.errors import EmbedderError, SpaceMoved
from mnemon.instant import now_micros
from mnemon.memory import Memory
from mnemon.store.rows import NewCube


@dataclass(frozen=True, slots=True)
class Call:
    """One caller's `Memory.add` of a single item; `given` are its keyword arguments but for the
    namespace."""

    content: str | Mapping[str, Any] | Draft
    namespace: str
    actor: str
    given: Mapping[str, Any]


def add_each(memory: Memory, calls: Sequence[Call]) -> list[MemCube | Exception]:
    """What `Memory.add` returns for each call, or the error that it raises for it."""
    prepared = [_attempt(_rows, memory, call) for call in calls]
    sound = [place for place, rows in enumerate(prepared) if not isinstance(rows, Exception)]
    told = [(calls[i].namespace, prepared[i], calls[i].actor) for i in sound]
    found: list[Any] = prepared
    try:
        written: list[Any] = memory._recorder.add_each(told) if told else []
    except EmbedderError as error:  # of somebody's text, perhaps: let each find out
        written = [error] * len(sound)
    for place, cubes in zip(sound, written, strict=True):
        if isinstance(cubes, EmbedderError | SpaceMoved):
            found[place] = _attempt(_alone, memory, calls[place])
        else:
            found[place] = cubes if isinstance(cubes, Exception) else cubes[0]
    return found


def _rows(memory: Memory, call: Call) -> list[NewCube]:
    drafts = intake.drafts(call.content, call.given)
    represent = methods.load("text.represent", memory._program.represent).represent
    now = now_micros()
    return [intake.prepare(draft, now + i) for i, draft in enumerate(represent(drafts))]


def _alone(memory: Memory, call: Call) -> MemCube:
    return memory.acting(call.actor).add(call.content, namespace=call.namespace, **call.given)


def _attempt(work: Any, memory: Memory, call: Call) -> Any:
    try:
        return work(memory, call)
    except Exception as error:  # noqa: BLE001 - handed to the caller whose call it was
        return error
