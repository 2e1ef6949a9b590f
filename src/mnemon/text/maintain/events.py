"""Events: a short statement for each turn that tells something, remade when the turn changes.

HyMem's summary level (Zhao et al. 2026, https://arxiv.org/abs/2602.13933). How ours differs:
extraction (`extract/events.py`) instead of an LLM.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mnemon import methods
from mnemon.cube import Edit
from mnemon.text.extract import events
from mnemon.text.kinds import EVENT
from mnemon.text.maintain import _derived

__all__ = ["Events"]


@dataclass(frozen=True)
class Events:
    """No options."""

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterator[Edit]:
        """An `add` for each telling turn without a statement, a `retire` for each outdated one."""
        wanted = _derived.each(events.Events(), _derived.sources(memory, namespace, now))
        yield from _derived.edits(memory, namespace, methods.producer(self), (EVENT,), wanted)
