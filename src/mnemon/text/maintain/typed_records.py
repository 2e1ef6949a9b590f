"""Typed records: what each turn says as episodic, semantic, procedural; remade when it changes.

The write path of ENGRAM (Patel & Patel 2025, https://arxiv.org/abs/2511.12960). How ours differs:
rules (`extract/typed.py`) instead of an LLM.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mnemon import methods
from mnemon.cube import Edit
from mnemon.text.extract.typed import Typed
from mnemon.text.kinds import TYPES
from mnemon.text.maintain import _derived

__all__ = ["TypedRecords"]


@dataclass(frozen=True)
class TypedRecords:
    """No options."""

    def maintain(self, memory: Any, namespace: str, now: datetime) -> Iterator[Edit]:
        """An `add` for each record that is missing, a `retire` for each that is outdated."""
        wanted = _derived.each(Typed(), _derived.sources(memory, namespace, now))
        yield from _derived.edits(memory, namespace, methods.producer(self), TYPES, wanted)
